public import NIOCore

/// What a run does.
public struct LoadOptions: Sendable {
  /// A login and its password.
  public struct Credentials: Sendable {
    public var login: String
    public var password: String

    public init(login: String, password: String) {
      self.login = login
      self.password = password
    }
  }

  /// Where requests go, in turn. A retry goes to the next one.
  public var targets: [Target]
  public var arrivals: ArrivalSchedule
  public var mix = OperationMix.orders
  /// Keep-alive connections to each target, from all sources together.
  public var connections = 64
  public var threads = 2
  /// Time for one answer; after it the connection is given up and the order is sent again.
  public var attemptTimeout: Duration = .seconds(5)
  /// From the intended start of an order until it counts as unknown.
  public var orderDeadline: Duration = .seconds(30)
  /// After the last arrival: in the first half of it unknown orders are sent again to learn what became of them, in the rest the
  /// ledger is read.
  public var settleLimit: Duration = .seconds(60)
  /// Of a hundred acknowledged orders, how many are sent once more: the answer must have the same bytes.
  public var repeatPercent = 5.0
  /// Every client order id starts with it, followed by the order's number.
  public var prefix: String
  /// Existing accounts, used in turn.
  public var accounts = ["demo"]
  /// A bearer token that may trade on all of them for as long as the run takes; nil: the demo trader.
  public var token: String?
  /// Who logs in, and gets new tokens as the old ones end; instead of `token`.
  public var credentials: Credentials?
  /// Symbols of the orders, in turn; empty: all of the server's.
  public var symbols: [String] = []
  /// In lots.
  public var volume = "0.01"
  /// Clients of /ws beside the requests.
  public var webSockets = 0
  /// How many of them also follow one of the accounts, and resume after each interruption where they were.
  public var followers = 0
  /// A WebSocket that says nothing for so long is dead: servers send a heartbeat after 5 seconds without anything else.
  public var silenceLimit: Duration = .seconds(15)
  /// Addresses of this machine that connections are made from; empty leaves it to the system. A Service that keeps a
  /// client on one server tells clients by their address, so an account's requests always come from the same one.
  public var sources: [SocketAddress] = []
  /// The progress is handed over this often; nil: never.
  public var progressInterval: Duration?

  public init(targets: [Target], arrivals: ArrivalSchedule, prefix: String) {
    self.targets = targets
    self.arrivals = arrivals
    self.prefix = prefix
  }
}
