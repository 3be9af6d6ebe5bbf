import HTTPTypes
import Hummingbird
import Logging
import TradingCore
import TradingStore

/// What administrators look at and set for all accounts: groups, symbols, exposure and the price feed.
struct AdminTermsRoutes: Sendable {
  private struct Group: Encodable {
    let name: String
    let markups: [String: String]
  }
  private struct GroupList: Encodable { let groups: [Group] }

  let board: MarketBoard
  let reader: LedgerReader
  let groups: GroupTerms
  let feed: PriceFeedKind

  func register(on router: some RouterMethods<TradingContext>) {
    router.get("/admin/groups") { _, _ in
      let markups = try await groups.markups().sorted { $0.key < $1.key }
      return try Response.json(GroupList(groups: markups.map { Group(name: $0.key, markups: Self.texts($0.value)) }))
    }
    router.put("/admin/groups/:group") { request, context in try await setGroup(request, context) }
    router.get("/admin/symbols") { _, _ in try symbols() }
    router.get("/admin/exposure") { _, _ in try await exposure() }
    router.get("/admin/feed") { _, _ in try feedStatus() }
  }

  private static func texts(_ markups: [Symbol: Int64]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: markups.map { ($0.name, String($1)) })
  }

  /// The body's fields are symbols; their values points on each side of the quote.
  private func setGroup(_ request: Request, _ context: TradingContext) async throws -> Response {
    let name = try OrderDraft.identifier(try context.parameters.require("group"), field: "group")
    let symbols = board.market.terms.catalog.instruments.map(\.symbol)
    let body = try await JSONBody.read(request, known: Set(symbols.map(\.name)))
    var markups: [Symbol: Int64] = [:]
    for symbol in symbols {
      guard let text = try body.text(symbol.name) else { continue }
      guard let points = Int64(text), (0...1_000_000).contains(points) else {
        throw APIError.malformed(
          field: symbol.name, "\"\(shortened(text))\" is not a markup",
          remedy: "write points from 0 to 1000000 as text, such as \"5\"")
      }
      markups[symbol] = points
    }
    try await groups.set(markups, of: name)
    context.logger.notice("markups set", metadata: ["group": "\(name)"])
    return try .json(Group(name: name, markups: Self.texts(markups)))
  }

  private func symbols() throws -> Response {
    struct Item: Encodable {
      let symbol, title: String
      let digits: Int
      let contractSize, minVolume, maxVolume, volumeStep, baseCurrency, quoteCurrency, marginCurrency: String
      /// Hundredths of a percent.
      let marginRateBasisPoints, swapLongHundredths, swapShortHundredths, trailingStep, spread: String
    }
    struct List: Encodable { let symbols: [Item] }
    return try .json(
      List(
        symbols: board.market.terms.catalog.instruments.map { instrument in
          Item(
            symbol: instrument.symbol.name, title: instrument.title, digits: instrument.digits,
            contractSize: String(instrument.contractSize), minVolume: instrument.minimumVolume.description,
            maxVolume: instrument.maximumVolume.description, volumeStep: instrument.volumeStep.description,
            baseCurrency: instrument.baseCurrency.code, quoteCurrency: instrument.quoteCurrency.code,
            marginCurrency: instrument.marginCurrency.code,
            marginRateBasisPoints: String(instrument.marginRateBasisPoints),
            swapLongHundredths: String(instrument.swap.longHundredths),
            swapShortHundredths: String(instrument.swap.shortHundredths),
            trailingStep: String(instrument.trailingStep), spread: String(instrument.spread))
        }))
  }

  private func exposure() async throws -> Response {
    struct Item: Encodable {
      let symbol, longVolume, shortVolume, netVolume: String
      let accounts: Int
    }
    struct List: Encodable { let exposure: [Item] }
    let exposure = try await reader.exposure(deadline: .requestDeadline)
    return try .json(
      List(
        exposure: exposure.map {
          Item(
            symbol: $0.symbol.name, longVolume: $0.longVolume.description, shortVolume: $0.shortVolume.description,
            netVolume: Volume(hundredths: $0.netHundredths).description, accounts: $0.accounts)
        }))
  }

  private func feedStatus() throws -> Response {
    struct Age: Encodable {
      let symbol: String
      /// Since the feed last vouched for the quote; none before the first.
      let ageMilliseconds: Int64?
    }
    struct Status: Encodable {
      let feed, source: String
      let isLeader: Bool
      /// Why prices do not come as they should; none when they do.
      let problem: String?
      let sequence: Int64?
      let time: String?
      let quotes: [Age]
    }
    let (market, latest, now) = (board.market, board.latest, Timestamp.now)
    let (source, isLeader) =
      switch board.source {
      case .shared(let isLeader): ("shared", isLeader)
      case .local(let reason): ("local: \(reason)", false)
      }
    return try .json(
      Status(
        feed: feed.rawValue, source: source, isLeader: isLeader, problem: board.problem, sequence: latest?.sequence,
        time: latest?.time.description,
        quotes: market.terms.catalog.instruments.map { instrument in
          Age(
            symbol: instrument.symbol.name,
            ageMilliseconds: market[instrument.symbol].map { now.milliseconds - $0.time.milliseconds })
        }))
  }
}
