import FoundationEssentials
import NIOCore
import NIOSSL

/// What has to be known before the first request: tokens, accounts, symbols.
struct Preparation {
  private struct SymbolList: Decodable {
    struct Item: Decodable {
      let symbol: String
      let bid: String?
    }
    let symbols: [Item]
  }

  private let options: LoadOptions
  private let patience: Duration
  private let client: LoadWorker

  init(_ options: LoadOptions, patience: Duration, loop: any EventLoop, tls: NIOSSLContext?) {
    self.options = options
    self.patience = patience
    client = LoadWorker(
      options: options, writer: OrderWriter(prefix: options.prefix, accounts: [], instruments: [], volume: ""),
      loop: loop, index: 0, count: 1, tls: tls)
  }

  func writer() async throws(LoadError) -> OrderWriter {
    let writer = OrderWriter(
      prefix: options.prefix, accounts: try await accounts(), instruments: try await instruments(),
      volume: options.volume)
    await client.close()
    return writer
  }

  private func instruments() async throws(LoadError) -> [TradedInstrument] {
    let answer = try await ask(.get("/api/symbols", token: options.credentials.token))
    guard let list = try? JSONDecoder().decode(SymbolList.self, from: Data(answer.body.readableBytesView)) else {
      throw .refused("GET /api/symbols is no list of symbols: \(answer.problem); is this an rtx-server?")
    }
    if let unknown = options.symbols.first(where: { name in !list.symbols.contains { $0.symbol == name } }) {
      throw .option(
        "the server does not trade \(unknown); it has \(list.symbols.map(\.symbol).joined(separator: ", "))")
    }
    let wanted = list.symbols.filter { options.symbols.isEmpty || options.symbols.contains($0.symbol) }
    let instruments = wanted.compactMap { item in item.bid.flatMap { TradedInstrument(symbol: item.symbol, bid: $0) } }
    if instruments.isEmpty { throw .refused("the server has no prices yet") }
    return instruments
  }

  private func accounts() async throws(LoadError) -> [LoadAccount] {
    options.accounts.map {
      LoadAccount(id: $0, isHedging: false, token: options.credentials.token, lastTransactionId: 0)
    }
  }

  private func ask(_ request: Request) async throws(LoadError) -> Answer {
    switch await client.ask(request, until: .now() + .nanoseconds(patience.nanoseconds)) {
    case .success(let answer): return answer
    case .failure(let error):
      throw .unreachable(
        "no answer from \(options.targets.map(\.description).joined(separator: ", ")): \(error.rawValue)")
    }
  }
}
