/// How trades of one symbol are kept (MetaTrader 5's margin modes).
public enum PositionMode: String, Sendable, Hashable, CaseIterable {
  /// Every opening order is a trade of its own; both sides may be open at once.
  case hedging = "HEDGING"
  /// One position a symbol at its average price; an opposite order reduces, closes or reverses it.
  case netting = "NETTING"
}

/// What an account was opened with.
public struct AccountSettings: Sendable, Hashable {
  public let accountId: String
  public let currency: Currency
  /// 30 for 1:30. The margin rate is the larger of 1/leverage and the instrument's.
  public let leverage: Int64
  public let mode: PositionMode
  /// The group whose markup the account pays.
  public let group: String
  /// Margin level in percent below which a margin call is raised.
  public let marginCallPercent: Int64
  /// Margin level in percent below which trades are closed by force.
  public let stopOutPercent: Int64
  /// Once nothing is open, a debt is forgiven: what ESMA's product intervention of 2018 demands for retail clients.
  /// Without it the debt stays on the account.
  public let hasNegativeBalanceProtection: Bool

  public init(
    accountId: String, currency: Currency, leverage: Int64 = 30, mode: PositionMode = .hedging, group: String = "",
    marginCallPercent: Int64 = 100, stopOutPercent: Int64 = 50, hasNegativeBalanceProtection: Bool = true
  ) {
    self.accountId = accountId
    self.currency = currency
    self.leverage = max(1, leverage)
    self.mode = mode
    self.group = group
    self.marginCallPercent = marginCallPercent
    self.stopOutPercent = stopOutPercent
    self.hasNegativeBalanceProtection = hasNegativeBalanceProtection
  }
}
