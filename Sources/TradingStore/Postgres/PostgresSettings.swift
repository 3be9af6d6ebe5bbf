/// How to reach the database.
public struct PostgresSettings: Sendable, Hashable {
  /// libpq's `sslmode` (PostgreSQL: "Database Connection Control Functions").
  public enum SSLMode: String, Sendable, Hashable, CaseIterable {
    case disable, allow, prefer, require
    case verifyCA = "verify-ca"
    case verifyFull = "verify-full"
  }

  /// One server, or several separated by commas, each with a port of its own if need be: `a,b:5433`. The first that takes
  /// writes is used (libpq's multi-host connection string with `target_session_attrs=read-write`).
  public var host: String
  /// The port of every host that names none.
  public var port: Int
  public var database: String
  public var user: String
  public var password: Secret?
  public var sslMode: SSLMode
  /// Time for one address to answer a connection attempt.
  public var connectTimeout: Duration
  /// The server ends a statement after this time; zero for never.
  public var statementTimeout: Duration
  /// More of the server's run-time settings, such as `jit=off`.
  var options: [String] = []

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

  /// One server of the list.
  struct Host: Sendable, Hashable, CustomStringConvertible {
    let name: String
    let port: Int
    var description: String { "\(name):\(port)" }
  }

  /// The servers in the order in which they are tried.
  var hosts: [Host] {
    host.split(separator: ",").map { entry in
      let entry = entry.filter { $0 != " " }
      // An IPv6 address has several colons and is written in brackets when a port follows.
      if let end = entry.lastIndex(of: "]"), entry.hasPrefix("[") {
        let rest = entry[entry.index(after: end)...].dropFirst()
        return Host(name: String(entry[..<end].dropFirst()), port: Int(rest) ?? port)
      }
      let parts = entry.split(separator: ":", omittingEmptySubsequences: false)
      return parts.count == 2
        ? Host(name: String(parts[0]), port: Int(parts[1]) ?? port) : Host(name: String(entry), port: port)
    }
  }

  /// libpq connection keywords and values.
  func keywords(for host: Host) -> [(String, String)] {
    let session =
      ["statement_timeout=\(statementTimeout.wholeMilliseconds)", "idle_in_transaction_session_timeout=15000"] + options
    var keywords = [
      ("host", host.name), ("port", String(host.port)), ("dbname", database), ("user", user),
      ("sslmode", sslMode.rawValue), ("application_name", "rtx-server"),
      ("connect_timeout", String(max(2, connectTimeout.components.seconds))),
      // A peer that vanished without a word (a pod's address that no longer exists) is noticed after this time.
      ("tcp_user_timeout", "5000"),
      ("keepalives", "1"), ("keepalives_idle", "5"), ("keepalives_interval", "2"), ("keepalives_count", "3"),
      // After a failover the old primary may come back as a replica under an address that is still cached.
      ("target_session_attrs", "read-write"),
      ("options", session.map { "-c " + $0 }.joined(separator: " ")),
    ]
    if let password { keywords.append(("password", password.reveal())) }
    return keywords
  }
}
