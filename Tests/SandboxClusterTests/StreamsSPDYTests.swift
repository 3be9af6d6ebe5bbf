import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import SandboxCluster

@Suite struct StreamsSPDYTests {
  @Test(arguments: [
    SPDYFrame.synStream(id: 5, associated: 0, isFinal: true, isUnidirectional: false, block: [1, 2, 3]),
    .synReply(id: 5, isFinal: false, block: [9]), .rstStream(id: 7, status: 5), .settings([(id: 7, value: 65_536)]),
    .ping(3), .goAway(lastStream: 9, status: 0), .headers(id: 1, isFinal: true, block: []),
    .windowUpdate(id: 1, delta: 4096), .data(id: 11, isFinal: true, bytes: Array("hello".utf8)),
    .data(id: 1, isFinal: false, bytes: []),
  ])
  func framesRoundTripEvenByteByByte(frame: SPDYFrame) throws {
    var buffer = ByteBuffer()
    for byte in frame.serialized().dropLast() {
      buffer.writeInteger(byte)
      #expect(try SPDYFrame.read(from: &buffer) == nil)
    }
    buffer.writeInteger(try #require(frame.serialized().last))
    #expect(try SPDYFrame.read(from: &buffer) == frame)
    #expect(buffer.readableBytes == 0)
  }

  @Test func headerBlocksShareOneCompressionState() throws {
    let sender = try SPDYHeaderCodec()
    let receiver = try SPDYHeaderCodec()
    let first = try sender.encode(["StreamType": "data", "port": "8080", "requestID": "0"])
    // CMF, FLG and the Adler-32 of the SPDY/3 dictionary.
    #expect(first.prefix(6) == [0x78, 0xBB, 0xE3, 0xC6, 0xA7, 0xC2] || first[2..<6] == [0xE3, 0xC6, 0xA7, 0xC2])
    #expect(try receiver.decode(first) == ["streamtype": "data", "port": "8080", "requestid": "0"])
    let second = try sender.encode(["streamType": "error", "port": "8080", "requestID": "0"])
    #expect(second.count < first.count)
    #expect(try receiver.decode(second) == ["streamtype": "error", "port": "8080", "requestid": "0"])
    #expect(throws: SPDYError.self) { try SPDYHeaderCodec().decode([1, 2, 3, 4]) }
  }

  @Test func dictionaryHasItsPublishedLength() {
    #expect(SPDYDictionary.bytes.count == 1_423)
  }

  @Test func otherVersionsAreRefused() {
    var buffer = ByteBuffer(bytes: [0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1])
    #expect(throws: SPDYError.self) { try SPDYFrame.read(from: &buffer) }
  }

  private func frames(_ channel: NIOAsyncTestingChannel) async throws -> [SPDYFrame] {
    var bytes = ByteBuffer()
    while let buffer = try await channel.readOutbound(as: ByteBuffer.self) { bytes.writeImmutableBuffer(buffer) }
    var frames: [SPDYFrame] = []
    while let frame = try SPDYFrame.read(from: &bytes) { frames.append(frame) }
    return frames
  }

  private func opened(_ connection: SPDYConnection, _ codec: SPDYHeaderCodec) async throws -> SPDYStream {
    let syn = SPDYFrame.synStream(
      id: 1, associated: 0, isFinal: false, isUnidirectional: false, block: try codec.encode(["streamtype": "data"]))
    try await connection.receive(ByteBuffer(bytes: syn.serialized()))
    var streams = connection.accepted.makeAsyncIterator()
    return try #require(await streams.next())
  }

  @Test func streamsOpenCarryDataAndHalfClose() async throws {
    let channel = NIOAsyncTestingChannel()
    let connection = try SPDYConnection(channel: channel, logger: Logger(label: "test"))
    let stream = try await opened(connection, SPDYHeaderCodec())
    #expect(stream.headers == ["streamtype": "data"])
    try await connection.receive(ByteBuffer(bytes: SPDYFrame.ping(1).serialized()))
    try await connection.receive(
      ByteBuffer(bytes: SPDYFrame.data(id: 1, isFinal: true, bytes: [1, 2]).serialized()))
    #expect(await stream.read() == [1, 2])
    #expect(await stream.read() == nil)
    #expect(await stream.isReset == false)
    try await stream.write([3])
    await stream.close()
    let sent = try await frames(channel)
    guard case .synReply(1, false, _)? = sent.first else {
      Issue.record("the stream was not accepted: \(sent)")
      return
    }
    #expect(
      sent.dropFirst() == [.ping(1), .data(id: 1, isFinal: false, bytes: [3]), .data(id: 1, isFinal: true, bytes: [])])
  }

  @Test func peersThatKeepWindowsAreNotOverrun() async throws {
    let channel = NIOAsyncTestingChannel()
    let connection = try SPDYConnection(channel: channel, logger: Logger(label: "test"))
    let stream = try await opened(connection, SPDYHeaderCodec())
    try await connection.receive(ByteBuffer(bytes: SPDYFrame.settings([(id: 7, value: 10)]).serialized()))
    let writing = Task { try await stream.write([UInt8](repeating: 1, count: 15)) }
    var received = 0
    let deadline = ContinuousClock.now + .seconds(10)
    while received < 10, ContinuousClock.now < deadline {
      for case .data(_, _, let bytes) in try await frames(channel) { received += bytes.count }
      await Task.yield()
    }
    #expect(received == 10)
    try await connection.receive(ByteBuffer(bytes: SPDYFrame.windowUpdate(id: 1, delta: 100).serialized()))
    try await writing.value
    for case .data(_, _, let bytes) in try await frames(channel) { received += bytes.count }
    #expect(received == 15)
  }

  @Test func resetEndsReadersAndWriters() async throws {
    let channel = NIOAsyncTestingChannel()
    let connection = try SPDYConnection(channel: channel, logger: Logger(label: "test"))
    let stream = try await opened(connection, SPDYHeaderCodec())
    try await connection.receive(ByteBuffer(bytes: SPDYFrame.rstStream(id: 1, status: 5).serialized()))
    #expect(await stream.read() == nil)
    #expect(await stream.isReset)
    await #expect(throws: SPDYError.self) { try await stream.write([1]) }
  }
}
