/// Everything that a run has found out. Encoded as JSON it is what `--json` prints.
public struct LoadReport: Sendable, Codable {
  /// The answers of one endpoint. Milliseconds from the intended start to the answer, retries included.
  public struct Endpoint: Sendable, Codable {
    public let endpoint: String
    public let answered: Int
    /// Refused, or not answered in time.
    public let failed: Int
    public let p50Ms, p99Ms, p999Ms, maxMs: Double
  }

  /// What the client order ids of the run begin with.
  public var prefix = ""
  /// Requests a second that were meant to start.
  public var offeredPerSecond = 0.0
  /// Requests a second that were answered, from the first start to the last answer.
  public var answeredPerSecond = 0.0
  public var seconds = 0.0
  /// How late requests left: when this is large, this machine is what was measured.
  public var driverLagP99Ms = 0.0
  public var endpoints: [Endpoint] = []
  public var orders = OrderFigures()
  public var webSockets: WebSocketFigures?
  /// Answers that said nothing (5xx, 429), refusals and lost connections, with how often each came.
  public var troubles: [String: Int] = [:]

  /// What a run means for whoever waits for it.
  public enum Verdict: String, Sendable, Codable {
    /// Every answer is what the ledger says.
    case sound
    /// Nothing is wrong as far as is known, but something could not be learnt.
    case unresolved
    /// An order was lost, doubled, or answered in two ways.
    case broken
  }

  public var verdict: Verdict {
    if orders.isBroken { return .broken }
    return orders.unknown > 0 || orders.unchecked > 0 || !orders.ledgerIsComplete ? .unresolved : .sound
  }

  public init() {}
}

/// What became of the orders.
public struct OrderFigures: Sendable, Codable {
  public var sent = 0
  /// Answered with a receipt, filled or not.
  public var acknowledged = 0
  /// Of these, rejected: by margin or a price that moved, for example. A rejection stands in the ledger as well.
  public var rejected = 0
  /// Answered with an error that says that nothing was placed.
  public var refused = 0
  /// No answer, to this moment.
  public var unknown = 0
  /// Acknowledged only when they were sent again after the end of the run.
  public var resolved = 0
  /// Sent more than once.
  public var retried = 0
  /// In the ledger.
  public var found = 0
  /// Acknowledged, but whether they are in the ledger could not be read.
  public var unchecked = 0
  /// Client order ids: acknowledged and not in the ledger.
  public var lost: [String] = []
  /// In the ledger more than once.
  public var doubled: [String] = []
  /// Answered with different bytes at different times.
  public var differing: [String] = []
  /// Refused, and yet in the ledger.
  public var contradicted: [String] = []
  /// Whether all transactions were read, so that nothing doubled is overlooked.
  public var ledgerIsComplete = true
  /// Why not all could be read.
  public var obstacles: [String] = []

  public init() {}

  var isBroken: Bool { !(lost.isEmpty && doubled.isEmpty && differing.isEmpty && contradicted.isEmpty) }
}

/// What the clients of /ws have seen.
public struct WebSocketFigures: Sendable, Codable {
  public var clients = 0
  /// Connected, and with a first message, at the end.
  public var connected = 0
  public var messages = 0
  /// Connections that ended before the run did: by the server's close code, a lost connection or silence.
  public var ended: [String: Int] = [:]
  /// Sequence numbers that went backwards or were left out.
  public var gaps = 0
  /// Transactions that followers of accounts were told.
  public var transactions = 0
  /// Transactions that a follower was told out of turn, or never, although each new connection resumes where the last one
  /// ended.
  public var unfilledGaps = 0
  /// From the end of a connection to the first message on the next one; for who is not back, to the end of the run.
  public var reconnectP50Ms = 0.0
  public var reconnectMaxMs = 0.0
  /// From a price's time to its arrival; both clocks must agree.
  public var delayP50Ms = 0.0
  public var delayP99Ms = 0.0

  public init() {}
}
