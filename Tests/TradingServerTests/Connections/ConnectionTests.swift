import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing
import TradingStore

@testable import TradingServer

@Suite struct SlowRequestTests {
  /// A server that answers each whole request with its number, on which a request may take 300 ms.
  private func withServer(_ body: (_ port: Int) async throws -> Void) async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let clock = RequestClockHandler(headerTimeout: .milliseconds(300), bodyTimeout: .milliseconds(300))
          try channel.pipeline.syncOperations.addHandlers([
            clock, HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder()), RequestProgressHandler(),
            Answering(),
          ])
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    try await body(server.localAddress?.port ?? 0)
    try await server.close()
  }

  private final class Answering: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard case .end = unwrapInboundIn(data) else { return }
      context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: .noContent))), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
  }

  @Test(arguments: [
    "G", "GET / HTTP/1.1\r\nHost: x\r\nX-A: ", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
  ])
  func aRequestThatDoesNotArriveClosesTheConnection(part: String) async throws {
    try await withServer { port in
      try await WireClient.connect(port).executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(string: part))
        // Ends when the server closes; a byte now and then would not help.
        for try await _ in inbound {}
      }
    }
  }

  @Test func aConnectionMayRestBetweenRequests() async throws {
    try await withServer { port in
      try await WireClient.connect(port).executeThenClose { inbound, outbound in
        var answers = inbound.makeAsyncIterator()
        for _ in 0..<3 {
          try await outbound.write(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
          let answer = try await answers.next()
          #expect(answer.map { String(buffer: $0).hasPrefix("HTTP/1.1 204") } == true)
          // Longer than a request may take: what is shown is that nothing happens meanwhile.
          try await Task.sleep(for: .milliseconds(400))
        }
      }
    }
  }

  @Test func aBodyThatIsTooLargeIsAnsweredAndNotWaitedFor() async throws {
    let nowhere = PostgresSettings(host: "127.0.0.1", port: try freePort(), database: "x", user: "x")
    let redis = RedisSettings(host: "127.0.0.1", port: try freePort())
    try await TradingServerTests.withServer(postgres: nowhere, redis: redis) { port, _ in
      let started = ContinuousClock.now
      let answer = try await WireClient.connect(port).executeThenClose { inbound, outbound in
        let head = "POST /api/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n"
        // The rest never comes.
        try await outbound.write(ByteBuffer(string: head + String(repeating: "x", count: 500_000)))
        var all = ByteBuffer()
        for try await var part in inbound { all.writeBuffer(&part) }
        return String(buffer: all)
      }
      #expect(answer.hasPrefix("HTTP/1.1 413"))
      #expect(answer.contains("\"remedy\""), "the answer arrives whole")
      // The limit for bodies is twenty seconds.
      #expect(started.duration(to: .now) < .seconds(10))
    }
  }
}
