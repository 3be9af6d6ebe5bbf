/// Writes orders that keep positions small however long the run is: of the orders of an account every second one closes
/// what the one before it opened.
struct OrderWriter: Sendable {
  let prefix: String
  let accounts: [LoadAccount]
  let instruments: [TradedInstrument]
  let volume: String

  /// Writes nothing.
  static let none = OrderWriter(prefix: "", accounts: [], instruments: [], volume: "")

  func clientOrderId(_ number: Int) -> String { "\(prefix)-\(number)" }

  /// The account whose turn it is with an order's number.
  func account(_ number: Int) -> Int { number % accounts.count }

  /// `turn` counts the account's market orders.
  func market(_ number: Int, turn: Int) -> Request {
    let account = accounts[account(number)]
    let isSell = turn % 2 == 1
    let symbol = instruments[turn / 2 % instruments.count].symbol
    // Where trades are kept apart, only a reducing order closes an older one.
    let ending = isSell && account.isHedging ? #","reduceOnly":true"# : ""
    return order(number, account, symbol, #""side":"\#(isSell ? "sell" : "buy")","type":"market"\#(ending)"#)
  }

  /// Waits at half of the market's price, where it is hardly ever filled.
  func limit(_ number: Int) -> Request {
    let instrument = instruments[number % instruments.count]
    return order(
      number, accounts[account(number)], instrument.symbol,
      #""side":"buy","type":"limit","price":"\#(instrument.remotePrice)""#)
  }

  private func order(_ number: Int, _ account: LoadAccount, _ symbol: String, _ terms: String) -> Request {
    .post(
      "/api/orders",
      #"{"accountId":"\#(account.id)","clientOrderId":"\#(clientOrderId(number))","symbol":"\#(symbol)","#
        + #""volume":"\#(volume)",\#(terms)}"#,
      token: account.token)
  }
}

/// An account that orders are placed on.
struct LoadAccount: Sendable {
  let id: String
  let isHedging: Bool
  let token: SessionToken
  /// The newest transaction when the run began.
  let lastTransactionId: Int64
}

/// A symbol and where limit orders of it wait.
struct TradedInstrument: Sendable, Hashable {
  let symbol: String
  /// Half of the bid, with the symbol's digits.
  let remotePrice: String

  /// nil when the bid is not a decimal number.
  init?(symbol: String, bid: String) {
    let parts = bid.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let digits = parts.count == 2 ? parts[1].count : 0
    guard let points = Int64(parts.joined()), points > 1 else { return nil }
    self.symbol = symbol
    let half = String(points / 2)
    let padded = String(repeating: "0", count: max(0, digits + 1 - half.count)) + half
    remotePrice = digits == 0 ? padded : "\(padded.dropLast(digits)).\(padded.suffix(digits))"
  }
}
