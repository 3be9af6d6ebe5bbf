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
  /// Keep-alive connections to each target.
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
  /// The progress is handed over this often; nil: never.
  public var progressInterval: Duration?

  public init(targets: [Target], arrivals: ArrivalSchedule, prefix: String) {
    self.targets = targets
    self.arrivals = arrivals
    self.prefix = prefix
  }
}
