/// How to reach the database.
public struct PostgresSettings: Sendable, Hashable {
  /// libpq's `sslmode` (PostgreSQL: "Database Connection Control Functions").
  public enum SSLMode: String, Sendable, Hashable, CaseIterable {
    case disable, allow, prefer, require
    case verifyCA = "verify-ca"
    case verifyFull = "verify-full"
  }

  public var host: String
  public var port: Int
  public var database: String
  public var user: String
  public var password: Secret?
  public var sslMode: SSLMode
  /// Time for one address to answer a connection attempt.
  public var connectTimeout: Duration
  /// The server ends a statement after this time. A commit is exempt, see `OrderStore`.
  public var statementTimeout: Duration

  public init(
    host: String, port: Int = 5432, database: String, user: String, password: Secret? = nil,
    sslMode: SSLMode = .prefer, connectTimeout: Duration = .seconds(3), statementTimeout: Duration = .seconds(5)
  ) {
    self.host = host
    self.port = port
    self.database = database
    self.user = user
    self.password = password
    self.sslMode = sslMode
    self.connectTimeout = connectTimeout
    self.statementTimeout = statementTimeout
  }

  /// libpq connection keywords and values.
  func keywords() -> [(String, String)] {
    var keywords = [
      ("host", host), ("port", String(port)), ("dbname", database), ("user", user), ("sslmode", sslMode.rawValue),
      ("application_name", "rtx-server"),
      ("connect_timeout", String(max(2, connectTimeout.components.seconds))),
      // A peer that vanished without a word (a pod's address that no longer exists) is noticed after this time.
      ("tcp_user_timeout", "5000"),
      ("keepalives", "1"), ("keepalives_idle", "5"), ("keepalives_interval", "2"), ("keepalives_count", "3"),
      // After a failover the old primary may come back as a replica under an address that is still cached.
      ("target_session_attrs", "read-write"),
      (
        "options",
        "-c statement_timeout=\(statementTimeout.wholeMilliseconds) -c idle_in_transaction_session_timeout=15000"
      ),
    ]
    if let password { keywords.append(("password", password.reveal())) }
    return keywords
  }
}
