import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Turns a connection into a WebSocket that has nothing in its pipeline but its own handler.
///
/// NIO's upgrader shakes hands; the frame encoder and decoder that it would add are not needed, because `StreamHandler`
/// writes and reads frames itself.
struct StreamUpgrader<UpgradeResult: Sendable>: NIOTypedHTTPServerProtocolUpgrader {
  /// Clients say little: what the connection keeps to read into is small.
  private static var receiveBuffer: Int { 512 }
  /// A reader that has more than the upper mark outstanding takes nothing until it is down at the lower.
  private static var marks: ChannelOptions.Types.WriteBufferWaterMark { .init(low: 4_096, high: 16_384) }

  private let handshake: NIOTypedWebSocketServerUpgrader<UpgradeResult>
  private let establish: @Sendable (any Channel, HTTPRequestHead) throws -> UpgradeResult

  /// - Parameter establish: adds the handlers; called on the channel's event loop.
  init(establish: @escaping @Sendable (any Channel, HTTPRequestHead) throws -> UpgradeResult) {
    self.establish = establish
    handshake = NIOTypedWebSocketServerUpgrader(
      // The filter in front lets only requests through that are to be upgraded.
      shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
      upgradePipelineHandler: { channel, head in
        channel.eventLoop.makeCompletedFuture { try establish(channel, head) }
      })
  }

  var supportedProtocol: String { handshake.supportedProtocol }
  var requiredUpgradeHeaders: [String] { handshake.requiredUpgradeHeaders }

  func buildUpgradeResponse(
    channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
  ) -> EventLoopFuture<HTTPHeaders> {
    handshake.buildUpgradeResponse(
      channel: channel, upgradeRequest: upgradeRequest, initialResponseHeaders: initialResponseHeaders)
  }

  func upgrade(channel: any Channel, upgradeRequest: HTTPRequestHead) -> EventLoopFuture<UpgradeResult> {
    channel.eventLoop.makeCompletedFuture {
      let options = channel.syncOptions
      try options?.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.receiveBuffer))
      try options?.setOption(.maxMessagesPerRead, value: 1)
      try options?.setOption(.writeBufferWaterMark, value: Self.marks)
      limitUnsent(channel)
      return try establish(channel, upgradeRequest)
    }
  }

  /// Lets the system hold little that it has not sent yet (TCP_NOTSENT_LOWAT of Linux), so that a slow reader gets new
  /// prices and not megabytes of old ones. Where the option is missing the stream works without.
  private func limitUnsent(_ channel: any Channel) {
    let option = ChannelOptions.tcpOption(NIOBSDSocket.Option(rawValue: 25))
    try? channel.syncOptions?.setOption(option, value: 16_384)
  }
}
