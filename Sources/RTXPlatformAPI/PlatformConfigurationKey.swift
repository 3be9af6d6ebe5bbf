/// Keys of the trading server's ConfigMap (deployment architecture: "2. ConfigMap").
public enum PlatformConfigurationKey: String, Sendable, CaseIterable {
  case brokerName = "BROKER_NAME"
  case priceFeed = "PRICE_FEED_LP"
  case executionMode = "EXECUTION_MODE"
  case environment = "ENVIRONMENT"
  case databaseHost = "DB_HOST"
  case databasePort = "DB_PORT"
  case databaseName = "DB_NAME"
  case redisHost = "REDIS_HOST"
  case redisPort = "REDIS_PORT"
  case port = "PORT"
  case logLevel = "LOG_LEVEL"
}

/// PostgreSQL parameters that are not the user's to set.
public enum PostgresParameters {
  /// Set or computed by Patroni, or fixed by the way the platform runs it (Patroni: "Dynamic Configuration Settings").
  public static let ownedByPatroni: Set<String> = [
    "listen_addresses", "port", "cluster_name", "hot_standby", "wal_log_hints", "primary_conninfo",
    "primary_slot_name", "synchronous_standby_names", "synchronous_commit", "recovery_target_timeline",
    "data_directory",
    "hba_file", "ident_file", "config_file", "external_pid_file", "unix_socket_directories", "password_encryption",
    "restore_command", "promote_trigger_file",
  ]
}
