/// One quote on the way from a currency to another.
struct ConversionStep: Sendable, Hashable {
  let symbol: Symbol
  let digits: Int
  /// The quote names the currencies the other way round, so the amount is divided by the price.
  let isInverse: Bool
}

/// Which quotes convert one currency to another: fixed by the catalog alone, so that the same books always come out.
///
/// The first of: no step for the same currency; the instrument whose base is the one and whose quote the other currency;
/// the inverse instrument; two such steps through USD; two through EUR. Among several instruments the first listed is taken.
public struct ConversionTable: Sendable {
  private struct Pair: Hashable, Sendable { let from, to: Currency }

  static let pivots = [Currency("USD"), Currency("EUR")]

  private let paths: [Pair: [ConversionStep]]

  public init(_ catalog: InstrumentCatalog) {
    var single: [Pair: [ConversionStep]] = [:]
    for isInverse in [false, true] {
      for instrument in catalog.instruments {
        let pair =
          isInverse
          ? Pair(from: instrument.quoteCurrency, to: instrument.baseCurrency)
          : Pair(from: instrument.baseCurrency, to: instrument.quoteCurrency)
        guard pair.from != pair.to, single[pair] == nil else { continue }
        single[pair] = [ConversionStep(symbol: instrument.symbol, digits: instrument.digits, isInverse: isInverse)]
      }
    }
    var paths = single
    let currencies = Set(single.keys.map(\.from))
    for from in currencies {
      for to in currencies where from != to && single[Pair(from: from, to: to)] == nil {
        for pivot in Self.pivots {
          guard let first = single[Pair(from: from, to: pivot)], let second = single[Pair(from: pivot, to: to)] else {
            continue
          }
          paths[Pair(from: from, to: to)] = first + second
          break
        }
      }
    }
    self.paths = paths
  }

  /// The steps from `from` to `to`, none for the same currency, nil when no quotes lead there.
  func path(from: Currency, to: Currency) -> [ConversionStep]? {
    from == to ? [] : paths[Pair(from: from, to: to)]
  }

  /// The instruments whose quotes convert `from` to `to`.
  public func symbols(from: Currency, to: Currency) -> [Symbol]? { path(from: from, to: to)?.map(\.symbol) }
}

/// Which way an amount is converted; the client pays the spread either way, as with the gain and loss factors of
/// OANDA v20's HomeConversionFactors.
enum ConversionUse: Sendable {
  /// The client receives: sold at the bid.
  case gain
  /// The client owes, or has to deposit: bought at the ask.
  case cost
}
