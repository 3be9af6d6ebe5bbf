import CLibPQ
import Glibc

/// Rows in text form, as PostgreSQL sends them.
public struct PostgresRows: Sendable {
  /// Rows of columns; nil is SQL's NULL.
  public let rows: [[String?]]

  /// The text at a place, nil when the place does not exist or holds NULL.
  public subscript(_ row: Int, _ column: Int) -> String? {
    rows.indices.contains(row) && rows[row].indices.contains(column) ? rows[row][column] : nil
  }

  public var isEmpty: Bool { rows.isEmpty }
}

/// A statement that a connection has the server parse and plan once.
struct PreparedStatement: Sendable {
  /// Unique among all that are used on one connection.
  let name: String
  let sql: String
}

/// One connection to PostgreSQL through libpq, on a thread of its own or one that it shares with its only user.
///
/// Every call has a deadline that holds even when the server is frozen: libpq is used without blocking, and the
/// thread waits for the socket itself.
public actor PostgresConnection {
  private let executor: ThreadExecutor
  private let ownsExecutor: Bool
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private var handle: OpaquePointer?
  /// Names of the statements that the server has prepared on this connection.
  private var prepared: Set<String> = []

  /// Makes the actor; `open` connects.
  public init() {
    executor = ThreadExecutor()
    ownsExecutor = true
  }

  /// A connection on the thread of `executor`, which outlives it.
  init(executor: ThreadExecutor) {
    self.executor = executor
    ownsExecutor = false
  }

  /// Whether the connection is open, well, and outside a transaction.
  public var isReusable: Bool {
    handle.map { PQstatus($0) == CONNECTION_OK && PQtransactionStatus($0) == PQTRANS_IDLE } ?? false
  }

  /// Connects to the first of the hosts that takes writes. Throws `.unreachable` with libpq's words, which never contain the password.
  public func open(_ settings: PostgresSettings, deadline: ContinuousClock.Instant) throws(PostgresError) {
    var reasons: [String] = []
    // One by one rather than by libpq's own list: PQconnectPoll never gives up on a host that does not answer.
    for host in settings.hosts {
      do throws(PostgresError) {
        try open(settings, host, deadline: deadline)
        return
      } catch {
        guard case .unreachable(let reason) = error else { throw error }
        reasons.append(reason)
      }
    }
    throw .unreachable(reasons.joined(separator: "; "))
  }

  private func open(
    _ settings: PostgresSettings, _ host: PostgresSettings.Host, deadline: ContinuousClock.Instant
  ) throws(PostgresError) {
    let pairs = settings.keywords(for: host)
    let connection = withCStrings(pairs.map(\.0)) { keywords in
      withCStrings(pairs.map(\.1)) { values in PQconnectStartParams(keywords, values, 0) }
    }
    guard let connection else { throw .unreachable("out of memory") }
    handle = connection
    // PQconnectPoll, unlike PQconnectdb, leaves connect_timeout to the caller. A host with several addresses
    // gets the time once for each.
    let limit = min(deadline, .now + settings.connectTimeout * 2)
    var state = PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
    while state != PGRES_POLLING_OK {
      guard state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING else {
        let message = errorMessage()
        dispose()
        throw .unreachable(message)
      }
      let isReading = state == PGRES_POLLING_READING
      guard waitForSocket(PQsocket(connection), reading: isReading, writing: !isReading, until: limit) else {
        dispose()
        throw .unreachable("\(host) did not answer in time")
      }
      state = PQconnectPoll(connection)
    }
    PQsetnonblocking(connection, 1)
    // Notices go to stderr by default and would break the JSON log.
    PQsetNoticeReceiver(connection, { _, _ in }, nil)
  }

  /// Runs one statement with `$1`, `$2`, … taken from `parameters`.
  @discardableResult
  public func query(
    _ sql: String, _ parameters: [String?] = [], deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> PostgresRows {
    let connection = try usable()
    try Self.check(parameters)
    let sent = withCStrings(parameters) { values in
      PQsendQueryParams(connection, sql, Int32(parameters.count), nil, values, nil, nil, 0)
    }
    return try finish(connection, sent: sent, deadline: deadline)
  }

  /// Runs a statement that is prepared at its first use.
  @discardableResult
  func query(
    _ statement: PreparedStatement, _ parameters: [String?] = [], deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> PostgresRows {
    let connection = try usable()
    try Self.check(parameters)
    if !prepared.contains(statement.name) {
      try finish(
        connection, sent: PQsendPrepare(connection, statement.name, statement.sql, 0, nil), deadline: deadline)
      prepared.insert(statement.name)
    }
    let sent = withCStrings(parameters) { values in
      PQsendQueryPrepared(connection, statement.name, Int32(parameters.count), values, nil, nil, 0)
    }
    return try finish(connection, sent: sent, deadline: deadline)
  }

  /// PostgreSQL's texts cannot hold a NUL, and in C it would cut the rest off unnoticed.
  private static func check(_ parameters: [String?]) throws(PostgresError) {
    for parameter in parameters where parameter?.utf8.contains(0) == true {
      throw .server(PostgresServerError(sqlState: "22021", message: "a text contains the byte 0x00"))
    }
  }

  /// Runs several statements without parameters, as one transaction unless the text says otherwise.
  public func script(_ sql: String, deadline: ContinuousClock.Instant) throws(PostgresError) {
    let connection = try usable()
    try finish(connection, sent: PQsendQuery(connection, sql), deadline: deadline)
  }

  /// Runs `body` on the connection's thread, so that a whole transaction needs one change of thread.
  public func perform<Value: Sendable>(
    _ body: @Sendable (isolated PostgresConnection) throws -> Value
  ) throws -> Value {
    try body(self)
  }

  /// Closes the connection and ends its own thread. The actor cannot be used afterwards.
  public func close() {
    dispose()
    if ownsExecutor { executor.stop() }
  }

  private func usable() throws(PostgresError) -> OpaquePointer {
    guard let handle else { throw .connectionLost("the connection is closed") }
    return handle
  }

  /// Sends what is queued and reads results until the statement is over.
  @discardableResult
  private func finish(
    _ connection: OpaquePointer, sent: Int32, deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> PostgresRows {
    guard sent == 1 else { throw lost() }
    var flushing = PQflush(connection)
    while flushing == 1 || PQisBusy(connection) == 1 {
      guard flushing >= 0 else { throw lost() }
      guard waitForSocket(PQsocket(connection), reading: true, writing: flushing == 1, until: deadline) else {
        dispose()
        throw .timedOut
      }
      guard PQconsumeInput(connection) == 1 else { throw lost() }
      if flushing == 1 { flushing = PQflush(connection) }
    }

    var rows: [[String?]] = []
    var refusal: PostgresError?
    while true {
      while PQisBusy(connection) == 1 {
        guard waitForSocket(PQsocket(connection), reading: true, writing: false, until: deadline) else {
          dispose()
          throw .timedOut
        }
        guard PQconsumeInput(connection) == 1 else { throw lost() }
      }
      guard let result = PQgetResult(connection) else { break }
      defer { PQclear(result) }
      switch PQresultStatus(result) {
      case PGRES_TUPLES_OK: rows = Self.read(result)
      case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
      default: refusal = refusal ?? Self.refusal(result)
      }
    }
    if PQstatus(connection) == CONNECTION_BAD {
      // The server's parting words, such as 57P01, say more than "server closed the connection unexpectedly".
      let words = refusal
      let loss = lost()
      throw words?.isConnectionFailure == true ? words ?? loss : loss
    }
    if let refusal { throw refusal }
    return PostgresRows(rows: rows)
  }

  private func lost() -> PostgresError {
    let message = errorMessage()
    dispose()
    return .connectionLost(message)
  }

  private func errorMessage() -> String {
    guard let handle, let text = PQerrorMessage(handle) else { return "no connection" }
    let lines = String(cString: text).split(separator: "\n").map { $0.filter { $0 != "\t" } }
    return lines.isEmpty ? "the server closed the connection" : lines.joined(separator: "; ")
  }

  private func dispose() {
    if let handle { PQfinish(handle) }
    handle = nil
    prepared = []
  }

  private static func read(_ result: OpaquePointer) -> [[String?]] {
    (0..<PQntuples(result)).map { row in
      (0..<PQnfields(result)).map { column in
        PQgetisnull(result, row, column) == 1 ? nil : PQgetvalue(result, row, column).map { String(cString: $0) }
      }
    }
  }

  private static func refusal(_ result: OpaquePointer) -> PostgresError {
    // The field codes are character constants in libpq's postgres_ext.h.
    func field(_ code: Unicode.Scalar) -> String? {
      PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) }
    }
    guard let state = field("C") else {
      return .connectionLost(field("M") ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? "no answer")
    }
    return .server(PostgresServerError(sqlState: state, message: field("M") ?? state, constraint: field("n")))
  }
}

/// Calls `body` with a null-terminated array of C strings that live as long as the call.
func withCStrings<Value>(
  _ strings: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value
) -> Value {
  let copies = strings.map { $0.map { strdup($0) } ?? nil }
  defer { copies.forEach { free($0) } }
  return (copies.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { body($0.baseAddress) }
}
