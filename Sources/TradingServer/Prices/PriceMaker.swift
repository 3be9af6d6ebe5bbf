public import TradingCore

/// Where a replica's own prices come from: used by the replica that leads, and by every replica while Redis is away.
public protocol PriceMaker: Sendable {
  /// Between two looks at `next`.
  var interval: Duration { get }

  /// Whether prices are wanted from now on: one that needs a connection opens and closes it by this.
  func setActive(_ isActive: Bool)

  /// The quotes that it vouches for at `time`, after `latest`; nil when there is nothing new to tell.
  func next(after latest: PriceSnapshot?, at time: Timestamp) -> [Quote]?

  /// Does whatever has to go on in the background, until the task is cancelled.
  func run() async

  /// Why there are no prices although they are wanted, in words for an operator; nil when all is well.
  var obstacle: String? { get }
}

/// A simulated market: needs nobody, and goes on from any snapshot of the same instruments.
public struct SimulatedPriceMaker: PriceMaker {
  private let process: SimulatedPriceProcess
  public let interval: Duration

  public init(process: SimulatedPriceProcess, interval: Duration = .milliseconds(250)) {
    self.process = process
    self.interval = interval
  }

  public func setActive(_ isActive: Bool) {}

  public func next(after latest: PriceSnapshot?, at time: Timestamp) -> [Quote]? {
    (latest.map { process.next(after: $0, at: time) } ?? process.initial(at: time)).quotes
  }

  public func run() async {}

  public var obstacle: String? { nil }
}
