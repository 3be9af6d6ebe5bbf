import Logging
import NIOCore

/// The server's end of a SPDY/3.1 connection: streams by number, header compression, windows, pings.
///
/// The Go client of kubectl sends no window updates and heeds none; windows count only once a peer has shown that it keeps them.
actor SPDYConnection {
  private static let initialWindow = 64 * 1024
  private static let largestDataFrame = 32 * 1024
  private static let mostStreams = 1_000

  private struct Entry {
    let stream: SPDYStream
    var isClosedByClient = false
    var isClosedByServer = false
    var isReset = false
    var sendWindow: Int
  }

  /// Streams as the client opens them; ends with the connection.
  nonisolated let accepted: AsyncStream<SPDYStream>
  private let acceptedContinuation: AsyncStream<SPDYStream>.Continuation
  private let channel: any Channel
  private let codec: SPDYHeaderCodec
  private let logger: Logger
  private var buffer = ByteBuffer()
  private var entries: [UInt32: Entry] = [:]
  private var lastStream: UInt32 = 0
  private var isOver = false
  private var peerKeepsWindows = false
  private var peerInitialWindow = SPDYConnection.initialWindow
  private var sessionWindow = SPDYConnection.initialWindow
  private var windowWaiters: [CheckedContinuation<Void, Never>] = []

  /// - Parameter channel: takes `ByteBuffer`s.
  init(channel: any Channel, logger: Logger) throws(SPDYError) {
    self.channel = channel
    self.logger = logger
    codec = try SPDYHeaderCodec()
    (accepted, acceptedContinuation) = AsyncStream.makeStream(of: SPDYStream.self)
  }

  // MARK: Receiving

  /// Handles bytes from the client; waits while a stream's reader is behind.
  ///
  /// - Throws: `SPDYError` when the connection cannot go on.
  func receive(_ bytes: ByteBuffer) async throws {
    buffer.writeImmutableBuffer(bytes)
    while let frame = try SPDYFrame.read(from: &buffer) { try await handle(frame) }
    buffer.discardReadBytes()
  }

  private func handle(_ frame: SPDYFrame) async throws {
    switch frame {
    case .synStream(let id, _, let isFinal, let isUnidirectional, let block):
      try open(id, headers: try codec.decode(block), isFinal: isFinal, needsReply: !isUnidirectional)
    case .data(let id, let isFinal, let bytes):
      guard let entry = entries[id], !entry.isClosedByClient else {
        if !bytes.isEmpty { post(.rstStream(id: id, status: SPDYFrame.StatusCode.protocolError)) }
        return
      }
      await entry.stream.receive(bytes)
      if isFinal { closedByClient(id) }
    case .headers(let id, let isFinal, let block):
      _ = try codec.decode(block)  // the compression's state goes through every block
      if isFinal { closedByClient(id) }
    case .synReply(_, _, let block): _ = try codec.decode(block)
    case .rstStream(let id, _):
      entries[id]?.isReset = true
      entries[id]?.isClosedByServer = true
      entries[id]?.stream.finishReading(discarding: true)
      wakeWindowWaiters()
    case .ping(let id):
      if id % 2 == 1 { post(.ping(id)) }  // odd ones are the client's
    case .goAway: logger.debug("SPDY client is going away")
    case .settings(let settings):
      // 7 is SETTINGS_INITIAL_WINDOW_SIZE.
      for setting in settings where setting.id == 7 { setInitialWindow(Int(setting.value)) }
    case .windowUpdate(let id, let delta):
      peerKeepsWindows = true
      if id == 0 { sessionWindow += Int(delta) } else { entries[id]?.sendWindow += Int(delta) }
      wakeWindowWaiters()
    case .unknown: break
    }
  }

  private func open(_ id: UInt32, headers: [String: String], isFinal: Bool, needsReply: Bool) throws {
    guard id % 2 == 1, id > lastStream, entries.count < Self.mostStreams else {
      throw SPDYError("bad stream number \(id)")
    }
    lastStream = id
    let stream = SPDYStream(id: id, headers: headers, connection: self)
    entries[id] = Entry(stream: stream, sendWindow: peerInitialWindow)
    if needsReply { post(.synReply(id: id, isFinal: false, block: try codec.encode([:]))) }
    if isFinal { closedByClient(id) }
    acceptedContinuation.yield(stream)
  }

  private func closedByClient(_ id: UInt32) {
    entries[id]?.isClosedByClient = true
    entries[id]?.stream.finishReading()
    forgetIfDone(id)
  }

  private func forgetIfDone(_ id: UInt32) {
    if let entry = entries[id], entry.isClosedByClient, entry.isClosedByServer { entries[id] = nil }
  }

  /// The channel is at its end: every reader and writer is let go.
  func end() {
    isOver = true
    for entry in entries.values { entry.stream.finishReading() }
    entries.removeAll()
    acceptedContinuation.finish()
    wakeWindowWaiters()
  }

  // MARK: Sending

  func send(_ bytes: [UInt8], on id: UInt32) async throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let room = try await windowRoom(on: id)
      let chunk = rest.prefix(min(room, Self.largestDataFrame))
      rest = rest.dropFirst(chunk.count)
      if peerKeepsWindows {
        sessionWindow -= chunk.count
        entries[id]?.sendWindow -= chunk.count
      }
      try await write(.data(id: id, isFinal: false, bytes: Array(chunk))).get()
    }
  }

  /// Waits until something may be sent.
  private func windowRoom(on id: UInt32) async throws -> Int {
    while true {
      guard !isOver, let entry = entries[id], !entry.isClosedByServer else {
        throw SPDYError("the client has closed stream \(id)")
      }
      try Task.checkCancellation()
      if !peerKeepsWindows { return Self.largestDataFrame }
      let room = min(sessionWindow, entry.sendWindow)
      if room > 0 { return room }
      await withCheckedContinuation { windowWaiters.append($0) }
    }
  }

  private func wakeWindowWaiters() {
    let waiting = windowWaiters
    windowWaiters = []
    for continuation in waiting { continuation.resume() }
  }

  private func setInitialWindow(_ size: Int) {
    peerKeepsWindows = true
    let change = size - peerInitialWindow
    peerInitialWindow = size
    for id in entries.keys { entries[id]?.sendWindow += change }
    wakeWindowWaiters()
  }

  /// Half close from the server's side.
  func closeHalf(of id: UInt32) async {
    guard !isOver, let entry = entries[id] else { return }
    if entry.isReset { entries[id] = nil }
    guard !entry.isClosedByServer else { return }
    entries[id]?.isClosedByServer = true
    forgetIfDone(id)
    _ = try? await write(.data(id: id, isFinal: true, bytes: [])).get()
  }

  func isReset(_ id: UInt32) -> Bool { entries[id]?.isReset ?? true }

  /// A reader has taken bytes: the peer may send as many again.
  func consumed(_ count: Int, on id: UInt32) {
    guard peerKeepsWindows, count > 0 else { return }
    post(.windowUpdate(id: 0, delta: UInt32(count)))
    if entries[id]?.isClosedByClient == false { post(.windowUpdate(id: id, delta: UInt32(count))) }
  }

  /// Tells the client that no more streams are taken.
  func goAway() async {
    guard !isOver else { return }
    _ = try? await write(.goAway(lastStream: lastStream, status: 0)).get()
  }

  private func write(_ frame: SPDYFrame) -> EventLoopFuture<Void> {
    channel.writeAndFlush(ByteBuffer(bytes: frame.serialized()))
  }

  private func post(_ frame: SPDYFrame) { _ = write(frame) }
}
