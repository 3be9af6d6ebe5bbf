public import TradingCore

/// Receives what is published on channels, for as long as it runs.
public struct RedisSubscription: Sendable {
  private let settings: RedisSettings
  private let channels: [String]

  public init(settings: RedisSettings, channels: [String]) {
    self.settings = settings
    self.channels = channels
  }

  /// Calls `receive` for each published text until the task is cancelled. Reconnects by itself; what is published
  /// meanwhile is missed, so a channel must not be the only way by which something becomes known.
  public func run(_ receive: @Sendable (_ channel: String, _ text: String) -> Void) async {
    await RedisConnection.keepOpen(settings) { connection in
      try await connection.command(["SUBSCRIBE"] + channels)
      while !Task.isCancelled {
        guard let message = try await connection.nextMessage(within: .milliseconds(200)) else { continue }
        receive(message.channel, message.text)
      }
    }
  }
}

/// Receives the prices that the leading replica publishes.
public struct PriceSubscription: Sendable {
  private let subscription: RedisSubscription

  public init(settings: RedisSettings) {
    subscription = RedisSubscription(settings: settings, channels: [PriceExchange.channel])
  }

  /// Calls `receive` for each published snapshot until the task is cancelled. What is missed is made up for by the next
  /// one, since every snapshot is whole.
  public func run(_ receive: @Sendable (PriceSnapshot) -> Void) async {
    await subscription.run { _, text in
      if let snapshot = PriceExchange.decode(text) { receive(snapshot) }
    }
  }
}
