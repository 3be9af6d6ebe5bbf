import FoundationEssentials
import NIOCore
import NIOSSL

/// What has to be known before the first order: accounts and symbols.
struct Preparation {
  private struct SymbolList: Decodable {
    struct Item: Decodable {
      let symbol: String
      let bid: String?
    }
    let symbols: [Item]
  }

  private struct AccountState: Decodable {
    let mode: String
    let lastTransactionId: String
  }

  private let options: LoadOptions
  private let patience: Duration
  private let token: SessionToken
  private let client: LoadWorker

  init(_ options: LoadOptions, token: SessionToken, patience: Duration, loop: any EventLoop, tls: NIOSSLContext?) {
    self.options = options
    self.token = token
    self.patience = patience
    client = LoadWorker(options: options, writer: .none, loop: loop, index: 0, count: 1, tls: tls)
  }

  func writer() async throws(LoadError) -> OrderWriter {
    let writer = OrderWriter(
      prefix: options.prefix, accounts: try await accounts(), instruments: try await instruments(),
      volume: options.volume)
    await client.close()
    return writer
  }

  private func instruments() async throws(LoadError) -> [TradedInstrument] {
    let answer = try await ask(.get("/api/symbols", token: token))
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
    var accounts: [LoadAccount] = []
    for id in options.accounts {
      let answer = try await ask(.get("/api/accounts/\(id)", token: token))
      guard let state = try? JSONDecoder().decode(AccountState.self, from: Data(answer.body.readableBytesView)),
        let last = Int64(state.lastTransactionId)
      else {
        throw .refused("account \(id) cannot be read: \(answer.problem); is there one, and may the token use it?")
      }
      accounts.append(
        LoadAccount(id: id, isHedging: state.mode == "HEDGING", token: token, lastTransactionId: last))
    }
    return accounts
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
