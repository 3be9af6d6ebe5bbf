/// One stream of a connection, opened by the client.
final class SPDYStream: Sendable {
  let id: UInt32
  /// Names in lower case.
  let headers: [String: String]
  private let inbox = BoundedPipe<[UInt8]>(limit: 256 * 1024)
  private let connection: SPDYConnection

  init(id: UInt32, headers: [String: String], connection: SPDYConnection) {
    self.id = id
    self.headers = headers
    self.connection = connection
  }

  /// The client's next bytes; nil when it has closed its half or reset the stream.
  func read() async -> [UInt8]? {
    guard let bytes = await inbox.next() else { return nil }
    await connection.consumed(bytes.count, on: id)
    return bytes
  }

  /// Returns when the bytes are with the operating system.
  ///
  /// - Throws: `SPDYError` when the stream or the connection is gone.
  func write(_ bytes: some Collection<UInt8> & Sendable) async throws {
    try await connection.send(Array(bytes), on: id)
  }

  /// Closes the server's half.
  func close() async { await connection.closeHalf(of: id) }

  /// Whether the client has reset the stream, which says that it wants no more of it.
  var isReset: Bool { get async { await connection.isReset(id) } }

  func receive(_ bytes: [UInt8]) async {
    if !bytes.isEmpty { await inbox.push(bytes, weight: bytes.count) }
  }

  func finishReading(discarding: Bool = false) { inbox.finish(discarding: discarding) }
}
