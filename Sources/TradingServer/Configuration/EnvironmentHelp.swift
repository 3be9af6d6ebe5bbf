/// The keys of the environment, for `--help`.
public let environmentHelp = """
  Environment (an empty value counts as absent):
    DB_HOST, DB_NAME, DB_USER   PostgreSQL; required. DB_HOST may list several: a,b:5433
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
    PRICE_FEED_LP               SIM (default) or OANDA
    OANDA_API_KEY               personal access token; required for OANDA (OANDA_TOKEN is read too)
    OANDA_ACCOUNT_ID            required for OANDA
    OANDA_ENVIRONMENT           practice (default) or live
    OANDA_URL                   another server that speaks the v20 protocol; default OANDA's own
    EXECUTION_MODE              BBOOK (default)
    SIM_SEED                    seed of the simulated prices, default 1
    SIM_INTERVAL_MS             between two simulated prices, default 250
    DRAIN_SECONDS               from "not ready" to "accepts no connections" on SIGTERM, default 3
    SHUTDOWN_GRACE_SECONDS      all of a graceful shutdown, default 25
    LOG_LEVEL                   trace, debug, info (default), notice, warning, error, critical
    DEMO_ACCESS                 open: requests without a token trade on the account "demo"; closed: they are refused.
                                Default open when PRICE_FEED_LP is SIM, otherwise closed
    JWT_SECRET                  signs tokens, at least 32 bytes; without it nobody can log in
    ADMIN_PASSWORD_HASH         bcrypt of the password of the login "admin"; without it /admin stays closed
    RATE_LIMIT_PER_ACCOUNT      requests a second of one account, default 500, 0 for no limit
    RATE_LIMIT_PER_ADDRESS      requests a second from one address, default 2000, 0 for no limit
    TRUSTED_PROXIES             proxies in front that append to X-Forwarded-For, default 0
    TLS_CERT_FILE, TLS_KEY_FILE PEM files for HTTPS, read again when they change; default plain HTTP
    SENTRY_DSN                  where errors are reported; default nowhere
  """

/// The version that `rtx-server version` prints.
public let serverVersion = "0.1.0"
