/// What PostgreSQL said about a statement that it refused.
public struct PostgresServerError: Error, Sendable, Hashable {
  /// Five characters (PostgreSQL: "PostgreSQL Error Codes").
  public let sqlState: String
  public let message: String
  /// The violated constraint, when there is one.
  public let constraint: String?

  public init(sqlState: String, message: String, constraint: String? = nil) {
    self.sqlState = sqlState
    self.message = message
    self.constraint = constraint
  }
}

/// What can go wrong between this program and PostgreSQL.
public enum PostgresError: Error, Sendable, Hashable, CustomStringConvertible {
  /// No connection could be made; nothing was sent.
  case unreachable(String)
  /// The connection broke while a statement was under way.
  case connectionLost(String)
  /// No answer before the deadline; the connection was given up.
  case timedOut
  /// The server refused the statement.
  case server(PostgresServerError)
  /// All connections stayed busy until the deadline, or too many callers are waiting.
  case saturated
  /// The pool was shut down.
  case closed

  /// Whether the connection is of no more use: a new one, perhaps to a new primary, is needed.
  public var isConnectionFailure: Bool {
    switch self {
    case .unreachable, .connectionLost, .timedOut: true
    case .saturated, .closed: false
    case .server(let error):
      // Shut down by an administrator, crash, starting up, connection exceptions, and a primary that became a replica.
      ["57P01", "57P02", "57P03", "25006", "53300"].contains(error.sqlState) || error.sqlState.hasPrefix("08")
    }
  }

  /// Whether the same transaction may succeed when simply tried again: serialization failure or deadlock.
  public var isTransient: Bool {
    guard case .server(let error) = self else { return false }
    return ["40001", "40P01"].contains(error.sqlState)
  }

  /// The server's error code, when it was the server that refused.
  public var sqlState: String? {
    guard case .server(let error) = self else { return nil }
    return error.sqlState
  }

  public var description: String {
    switch self {
    case .unreachable(let message): "cannot connect to PostgreSQL: \(message)"
    case .connectionLost(let message): "the connection to PostgreSQL was lost: \(message)"
    case .timedOut: "PostgreSQL did not answer in time"
    case .server(let error): "PostgreSQL refused: \(error.message) (SQLSTATE \(error.sqlState))"
    case .saturated: "all connections to PostgreSQL are busy"
    case .closed: "the connection pool is shut down"
    }
  }
}
