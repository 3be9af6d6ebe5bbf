public import Logging
public import TradingStore

/// Where prices come from.
public enum PriceFeedKind: String, Sendable, Hashable, CaseIterable { case sim = "SIM", oanda = "OANDA" }

/// Who fills orders.
public enum ExecutionMode: String, Sendable, Hashable, CaseIterable {
  /// The broker itself, at its own quotes.
  case bBook = "BBOOK"
}

/// Levels of LOG_LEVEL, with the short name that many tools write.
private enum LogLevelName: String, CaseIterable {
  case trace, debug, info, notice, warning, warn, error, critical

  var level: Logger.Level { self == .warn ? .warning : Logger.Level(rawValue: rawValue) ?? .info }
}

/// What the environment says. Each command reads the part that it needs.
public struct ServerConfiguration: Sendable {
  public var brokerName: String
  public var environmentName: String
  public var priceFeed: PriceFeedKind
  public var executionMode: ExecutionMode
  public var postgres: PostgresSettings
  public var poolSize: Int
  public var redis: RedisSettings
  public var bindAddress: String
  public var port: Int
  public var simulationSeed: UInt64
  /// Between two steps of the simulated prices.
  public var simulationInterval: Duration
  /// Where prices come from when they are not simulated.
  public var oanda: OandaSettings?
  public var access: AccessSettings
  /// Certificate and key files; nil for plain HTTP.
  public var tls: TLSFiles?
  /// Where errors are reported; nil for nowhere.
  public var sentry: SentryDSN?
  /// Between "not ready" and "accepts no more connections", so that load balancers have time to notice.
  public var drainDelay: Duration
  /// All of a graceful shutdown, after which what is left is cut off.
  public var shutdownGrace: Duration

  /// Reads everything that `serve` needs. Throws `ConfigurationError` with all problems.
  public init(environment: [String: String]) throws(ConfigurationError) {
    var reader = EnvironmentReader(environment)
    brokerName = reader.text("BROKER_NAME", default: "RTX Trading")
    environmentName = reader.text("ENVIRONMENT", default: "development")
    priceFeed = reader.choice("PRICE_FEED_LP", default: .sim)
    executionMode = reader.choice("EXECUTION_MODE", default: .bBook)
    postgres = reader.postgres()
    poolSize = reader.integer("DB_POOL_SIZE", default: 8, in: 1...100)
    redis = reader.redis()
    bindAddress = reader.text("BIND_ADDRESS", default: "0.0.0.0")
    port = reader.port()
    simulationSeed = UInt64(reader.integer("SIM_SEED", default: 1, in: 0...Int.max))
    simulationInterval = .milliseconds(reader.integer("SIM_INTERVAL_MS", default: 250, in: 10...60_000))
    oanda = priceFeed == .oanda ? reader.oanda() : nil
    drainDelay = .seconds(reader.integer("DRAIN_SECONDS", default: 3, in: 0...300))
    shutdownGrace = .seconds(reader.integer("SHUTDOWN_GRACE_SECONDS", default: 25, in: 1...600))
    access = reader.access(isSimulated: priceFeed == .sim)
    tls = reader.tls()
    sentry = reader.sentry()
    _ = reader.logLevel()
    guard reader.problems.isEmpty else { throw ConfigurationError(problems: reader.problems) }
  }

  /// Reads the DB_* keys only, for `migrate` and `wait`.
  public static func postgres(environment: [String: String]) throws(ConfigurationError) -> PostgresSettings {
    try read(environment) { $0.postgres() }
  }

  /// Reads the REDIS_* keys only, for `wait`.
  public static func redis(environment: [String: String]) throws(ConfigurationError) -> RedisSettings {
    try read(environment) { $0.redis() }
  }

  /// Reads what `healthcheck` needs: PORT, and whether TLS_CERT_FILE is set.
  public static func probe(
    environment: [String: String]
  ) throws(ConfigurationError) -> (port: Int, isSecure: Bool) {
    try read(environment) { (port: $0.port(), isSecure: !$0.text("TLS_CERT_FILE", default: "").isEmpty) }
  }

  /// LOG_LEVEL, or `info` when it is absent or wrong: the complaint about a wrong level has to be logged somehow.
  public static func logLevel(environment: [String: String]) -> Logger.Level {
    var reader = EnvironmentReader(environment)
    return reader.logLevel()
  }

  private static func read<Value>(
    _ environment: [String: String], _ body: (inout EnvironmentReader) -> Value
  ) throws(ConfigurationError) -> Value {
    var reader = EnvironmentReader(environment)
    let value = body(&reader)
    guard reader.problems.isEmpty else { throw ConfigurationError(problems: reader.problems) }
    return value
  }
}

extension EnvironmentReader {
  fileprivate mutating func postgres() -> PostgresSettings {
    PostgresSettings(
      host: required("DB_HOST", remedy: "set it to the host name of PostgreSQL"),
      port: integer("DB_PORT", default: 5432, in: 1...65_535),
      database: required("DB_NAME", remedy: "set it to the name of the database, such as trading_engine"),
      user: required("DB_USER", remedy: "set it to the database user"),
      password: secret("DB_PASSWORD"),
      sslMode: choice("DB_SSL_MODE", default: .prefer))
  }

  fileprivate mutating func redis() -> RedisSettings {
    RedisSettings(
      host: required("REDIS_HOST", remedy: "set it to the host name of Redis"),
      port: integer("REDIS_PORT", default: 6379, in: 1...65_535),
      password: secret("REDIS_PASSWORD"))
  }

  fileprivate mutating func port() -> Int { integer("PORT", default: 7999, in: 0...65_535) }

  fileprivate mutating func logLevel() -> Logger.Level {
    choice("LOG_LEVEL", default: LogLevelName.info).level
  }
}
