/// A currency by its ISO 4217 code, or a metal by its X code.
public struct Currency: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Three upper-case letters, such as USD.
  public let code: String

  public init(_ code: String) { self.code = code }

  /// Fraction digits of the minor unit: 2 for cents, 0 for yen, 3 for dinars (ISO 4217, column "minor unit").
  public var digits: Int {
    switch code {
    case "JPY", "KRW", "CLP", "ISK", "VND", "UGX", "XAF", "XOF", "XPF": 0
    case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
    default: 2
    }
  }

  public var description: String { code }

  public static func < (left: Currency, right: Currency) -> Bool { left.code < right.code }
}

/// Money in integer minor units of the account's currency: cents of a dollar account, yen of a yen account.
///
/// Every booking (the profit of a closed trade, a night's swap) is computed exactly and rounded once, half to even, so
/// the balance is the plain sum of the ledger. MetaTrader 5 rounds each deal to the digits of the deposit currency too.
public struct Money: Sendable, Hashable, Comparable {
  /// Count of minor units; negative for a debt.
  public let minorUnits: Int64

  public init(minorUnits: Int64) { self.minorUnits = minorUnits }

  public static let zero = Money(minorUnits: 0)

  /// The sum.
  public func adding(_ other: Money) throws(AmountOverflow) -> Money {
    Money(minorUnits: try minorUnits.adding(checked: other.minorUnits))
  }

  /// Decimal text with all digits of `currency`: "-12.50".
  public func text(in currency: Currency) -> String {
    DecimalText.format(minorUnits, fractionDigits: currency.digits)
  }

  public static func < (left: Money, right: Money) -> Bool { left.minorUnits < right.minorUnits }
}
