import NIOCore
import NIOWebSocket
import Synchronization
import TradingCore

/// All open WebSocket connections.
final class TickSessions: Sendable {
  private let catalog: InstrumentCatalog
  private let board: PriceBoard
  private let metrics: TradingMetrics
  private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

  init(catalog: InstrumentCatalog, board: PriceBoard, metrics: TradingMetrics) {
    self.catalog = catalog
    self.board = board
    self.metrics = metrics
  }

  /// Tells every client that this replica goes away (close code 1001), so that they reconnect to another.
  func sendAway() {
    for channel in channels.withLock({ Array($0.values) }) {
      channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
  }

  /// Serves one client until it leaves.
  func serve(_ channel: NIOAsyncChannel<WebSocketFrame, WebSocketFrame>) async {
    let id = ObjectIdentifier(channel.channel)
    channels.withLock { $0[id] = channel.channel }
    metrics.connectionOpened()
    defer {
      channels.withLock { _ = $0.removeValue(forKey: id) }
      metrics.connectionClosed()
    }
    // Errors here are clients that vanish in the middle of something.
    try? await channel.executeThenClose { inbound, outbound in
      let session = Session(TickSubscription(catalog: catalog), outbound)
      try await withThrowingTaskGroup { group in
        group.addTask { [board] in
          for try await frame in inbound where frame.opcode == .text {
            try await session.receive(frame.unmaskedData, latest: board.latest)
          }
        }
        group.addTask { [board] in
          for await snapshot in board.updates() { try await session.tell(snapshot) }
        }
        defer { group.cancelAll() }
        try await group.next()
      }
    }
  }
}

/// One client's subscription and the way back to it.
private actor Session {
  private var subscription: TickSubscription
  private let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>

  init(_ subscription: TickSubscription, _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>) {
    self.subscription = subscription
    self.outbound = outbound
  }

  func receive(_ text: ByteBuffer, latest: PriceSnapshot?) async throws {
    if let answer = subscription.receive(Array(text.readableBytesView)) { try await send(answer) }
    // A new subscription gets its snapshot now, not with the next tick.
    if let latest { try await tell(latest) }
  }

  func tell(_ snapshot: PriceSnapshot) async throws {
    if let message = subscription.message(for: snapshot) { try await send(message) }
  }

  private func send(_ message: ServerMessage) async throws {
    let text = ByteBuffer(bytes: try encodeJSON(message))
    try await outbound.write(WebSocketFrame(fin: true, opcode: .text, data: text))
  }
}
