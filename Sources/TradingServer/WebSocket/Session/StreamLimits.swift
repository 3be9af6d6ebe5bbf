import NIOCore

/// What one connection may use and how long anything may take.
struct StreamLimits: Sendable {
  /// Bytes of a client's message.
  var messageSize = 16_384
  /// Messages and control frames from a client in one second.
  var messagesPerSecond = 50
  /// Symbols named in one message.
  var symbols = 256
  /// Accounts that a connection follows at once.
  var accounts = 16
  /// Live transactions that a reader may be behind while it takes nothing.
  var accountLag: Int64 = 1_000
  /// For a client without a token in the request to authenticate.
  var authentication: TimeAmount = .seconds(10)
  /// Between two pings.
  var ping: TimeAmount = .seconds(20)
  /// A client that sends nothing for so long, not even the answer to a ping, is gone.
  var silence: TimeAmount = .seconds(65)
  /// A client that is told nothing for so long gets a heartbeat: browsers do not see pings.
  var heartbeat: TimeAmount = .seconds(5)
  /// For the client to answer our close.
  var close: TimeAmount = .seconds(2)
}
