/// The keys of the environment, for `--help`: at most 80 characters a line, as terminals have them.
public let environmentHelp = """
  Environment (an empty value counts as absent). Every wrong value is named, with
  what to set instead, before anything starts.

  Required
    DB_HOST, DB_NAME, DB_USER  PostgreSQL; DB_HOST may list several: a,b:5433
    REDIS_HOST                 Redis; only for serve and wait redis
  Required for real prices
    PRICE_FEED_LP              OANDA, or SIM (default)
    OANDA_API_KEY              personal access token (OANDA_TOKEN is read too)
    OANDA_ACCOUNT_ID           such as 101-004-1234567-001
    JWT_SECRET                 signs tokens, at least 32 bytes (openssl rand -hex
                               32); without it nobody can log in. The same on
                               every replica
  PostgreSQL and Redis
    DB_PORT, REDIS_PORT        default 5432 and 6379
    DB_PASSWORD                default none
    REDIS_PASSWORD             default none
    DB_SSL_MODE                disable, allow, prefer (default), require,
                               verify-ca, verify-full
    DB_POOL_SIZE               connections to PostgreSQL, default 8
  Who may come in
    ADMIN_PASSWORD_HASH        bcrypt of the password of the login "admin";
                               without it /admin stays closed
    DEMO_ACCESS                open: requests without a token trade on the account
                               "demo"; closed: they are refused. Default open for
                               PRICE_FEED_LP=SIM, otherwise closed
    RATE_LIMIT_PER_ACCOUNT     requests a second, default 500, 0 for no limit
    RATE_LIMIT_PER_ADDRESS     requests a second, default 2000, 0 for no limit
    TRUSTED_PROXIES            proxies in front that append to X-Forwarded-For,
                               default 0
  Listening
    PORT                       HTTP and WebSocket, default 7999
    BIND_ADDRESS               default 0.0.0.0
    TLS_CERT_FILE              PEM files for HTTPS, read again when they change;
    TLS_KEY_FILE               default plain HTTP
    DRAIN_SECONDS              on SIGTERM, from "not ready" to "accepts no
                               connections", default 3
    SHUTDOWN_GRACE_SECONDS     all of a graceful shutdown, default 25
  What it says
    BROKER_NAME                shown to clients, default "RTX Trading"
    ENVIRONMENT                in logs and error reports, default development
    LOG_LEVEL                  trace, debug, info (default), notice, warning,
                               error, critical
    SENTRY_DSN                 where errors are reported; default nowhere
  Seldom changed
    EXECUTION_MODE             BBOOK (default)
    OANDA_ENVIRONMENT          practice (default) or live
    OANDA_URL                  another server that speaks the v20 protocol
    SIM_SEED                   of the simulated prices, default 1
    SIM_INTERVAL_MS            between two simulated prices, default 250
  """

/// The version that `rtx-server version` prints.
public let serverVersion = "0.1.0"
