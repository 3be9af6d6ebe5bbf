/// The keys of the environment, for `--help`.
public let environmentHelp = """
  Environment (an empty value counts as absent):
    DB_HOST, DB_NAME, DB_USER   PostgreSQL; required
    DB_PORT                     default 5432
    DB_PASSWORD                 default none
    DB_SSL_MODE                 disable, allow, prefer (default), require, verify-ca, verify-full
    DB_POOL_SIZE                connections to PostgreSQL, default 8
    REDIS_HOST                  Redis; required by serve
    REDIS_PORT                  default 6379
    REDIS_PASSWORD              default none
    PORT                        HTTP and WebSocket, default 7999
    BIND_ADDRESS                default 0.0.0.0
    BROKER_NAME                 shown to clients, default "RTX Trading"
    ENVIRONMENT                 shown to clients, default development
    PRICE_FEED_LP               SIM (default); OANDA is not supported yet and is refused
    EXECUTION_MODE              BBOOK (default)
    SIM_SEED                    seed of the simulated prices, default 1
    DRAIN_SECONDS               from "not ready" to "accepts no connections" on SIGTERM, default 3
    SHUTDOWN_GRACE_SECONDS      all of a graceful shutdown, default 25
    LOG_LEVEL                   trace, debug, info (default), notice, warning, error, critical
    JWT_SECRET, ADMIN_PASSWORD_HASH   accepted, not used yet
  """

/// The version that `rtx-server version` prints.
public let serverVersion = "0.1.0"
