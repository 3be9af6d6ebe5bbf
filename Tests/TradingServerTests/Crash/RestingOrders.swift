import Foundation
import Synchronization
import Testing
import TradingCore
import TradingStore

/// Limit orders that wait near the market while the replica that evaluates them is killed, on the account of the load.
final class RestingOrders: Sendable {
  private struct Symbols: Decodable {
    struct Item: Decodable { let symbol, bid: String }
    let symbols: [Item]
  }
  private static let symbol = Symbol("EURUSD")
  private let cluster: CrashCluster
  private let placed = Mutex(0)

  init(_ cluster: CrashCluster) { self.cluster = cluster }

  /// How many were placed.
  var count: Int { placed.withLock { $0 } }

  /// Places orders a few points away from the market, on both sides.
  func place(_ count: Int, through replica: CrashCluster.Replica) async throws {
    for _ in 0..<count {
      let number = placed.withLock { placed in
        placed += 1
        return placed
      }
      let id = "rest\(number)"
      let isBuy = Bool.random()
      try await eventually("\(id) is placed") {
        let list = try await WireClient.request(replica.port, "GET", "/api/symbols").body
        let symbols = try JSONDecoder().decode(Symbols.self, from: Data(list.utf8)).symbols
        let text = try #require(symbols.first { $0.symbol == Self.symbol.name }?.bid)
        let bid = try #require(Int64(text.filter { $0 != "." }))
        let price = String(bid + Int64.random(in: 12...40) * (isBuy ? -1 : 1))
        let body =
          #"{"clientOrderId":"\#(id)","symbol":"\#(Self.symbol)","side":"\#(isBuy ? "buy" : "sell")","type":"limit","#
          + #""volume":"0.01","price":"\#(price.dropLast(5)).\#(price.suffix(5))"}"#
        // Another price under the same id is refused with 409: then an earlier attempt had arrived.
        return [201, 409].contains(try await WireClient.request(replica.port, "POST", "/api/orders", body: body).status)
      }
    }
  }

  /// Each one that was touched by now is filled once, at the quote that touched it first after it stood.
  func expectFilledAtTheirFirstTouch() async throws {
    let end = Timestamp.now
    try await eventually("all prices are evaluated and stored", within: .seconds(30)) {
      let evaluated = try await self.cluster.value("SELECT min(watermark) FROM evaluator_shards")
      let stored = try await self.cluster.value("SELECT (extract(epoch FROM max(time)) * 1000)::bigint FROM ticks")
      return [evaluated, stored].allSatisfy { $0.flatMap { Int64($0) } ?? 0 > end.milliseconds }
    }
    let pool = PostgresPool(settings: cluster.database, logger: quietLogger)
    let path = try await TickStore(pool: pool).ticks(
      of: [Self.symbol], after: Timestamp(milliseconds: 0), through: end, span: end.milliseconds, deadline: soon)
    let ledger = try await transactions(pool)
    await pool.shutdown()
    var fills: [TransactionID: [(transaction: Transaction, fill: OrderFill)]] = [:]
    for transaction in ledger {
      if case .orderFill(let fill) = transaction.kind { fills[fill.orderId, default: []].append((transaction, fill)) }
    }
    var touched = 0
    for created in ledger {
      guard case .orderCreate(let request, _) = created.kind, request.clientOrderId.hasPrefix("rest"),
        let price = request.price
      else { continue }
      let found = fills[created.id] ?? []
      // One that the market had passed by the time it arrived did not wait.
      if found.first?.transaction.batchId == created.batchId { continue }
      let first = path.first {
        $0.time > created.time && (request.side == .buy ? $0.quote.ask <= price : $0.quote.bid >= price)
      }
      guard let quote = first?.quote else { continue }
      touched += 1
      #expect(
        found.map(\.fill.price) == [request.side == .buy ? quote.ask : quote.bid],
        "\(request.clientOrderId) of \(created.time), \(request.side) at \(price), touched at \(String(describing: first?.time)), filled \(found.map(\.transaction.time))"
      )
    }
    print("crash matrix, evaluating replica: \(count) resting orders, \(touched) touched, \(path.count) quotes")
    #expect(touched > 0)
  }

  private func transactions(_ pool: PostgresPool) async throws -> [Transaction] {
    var all: [Transaction] = []
    while true {
      let page = try await LedgerReader(pool: pool).transactions(
        accountId: "demo", after: all.last?.id ?? 0, limit: 5_000, deadline: soon)
      if page.isEmpty { return all }
      all += page
    }
  }
}

extension CrashCluster {
  /// The replica that holds every shard; nil while none does.
  func evaluator() async throws -> Replica? {
    let holder = try await value(
      "SELECT min(holder) FROM evaluator_shards WHERE expires > now() HAVING count(*) = 16 AND count(DISTINCT holder) = 1"
    )
    return replicas.first { replica in holder?.hasPrefix(replica.name) == true }
  }
}

extension CrashCluster.Replica {
  /// Whether it evaluates every shard.
  var evaluatesAll: Bool {
    get async throws {
      try await WireClient.request(port, "GET", "/metrics").body.contains("\nrtx_evaluator_shards 16\n")
    }
  }
}
