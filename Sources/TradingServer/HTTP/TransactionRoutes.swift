import HTTPTypes
import Hummingbird
import NIOCore
import TradingCore
import TradingStore

/// The ledger of an account, from any transaction on.
struct TransactionRoutes: Sendable {
  /// Between two lines of a stream at most; a client that hears nothing for longer has lost the connection.
  private static let heartbeat: Duration = .seconds(5)
  /// Transactions that are read at once.
  private static let pageSize = 500

  let catalog: InstrumentCatalog
  let desk: TradingDesk
  let reader: LedgerReader
  let readiness: Readiness
  let watch: LedgerWatch

  func register(on router: some RouterMethods<TradingContext>) {
    router.get("/api/transactions") { request, context in try await list(request, context) }
    router.get("/api/transactions/stream") { request, context in try await stream(request, context) }
  }

  private func list(_ request: Request, _ context: TradingContext) async throws -> Response {
    struct List: Encodable {
      let transactions: [TransactionText]
      /// The last of the account; there is more to read while the list ends before it.
      let lastTransactionId: String
    }
    let account = try await desk.account(try context.accountId(request), deadline: .requestDeadline)
    let since = try request.number("since", default: 0, in: 0...Int64.max)
    let limit = try request.number("limit", default: 100, in: 1...1_000)
    let transactions = try await page(after: since, limit: Int(limit), of: account.settings)
    return try .json(
      List(transactions: transactions.map(\.text), lastTransactionId: String(account.lastTransactionId)))
  }

  private func page(
    after id: TransactionID, limit: Int, of settings: AccountSettings
  ) async throws -> [(id: TransactionID, text: TransactionText)] {
    let transactions = try await reader.transactions(
      accountId: settings.accountId, after: id, limit: limit, deadline: .requestDeadline)
    return transactions.map {
      (
        $0.id,
        TransactionText($0, accountId: settings.accountId, currency: settings.currency, catalog: catalog)
      )
    }
  }

  /// One transaction a line as they are committed, and a heartbeat now and then (OANDA v20, "Transactions Stream").
  private func stream(_ request: Request, _ context: TradingContext) async throws -> Response {
    let account = try await desk.account(try context.accountId(request), deadline: .requestDeadline)
    let since = try request.number("since", default: account.lastTransactionId, in: 0...Int64.max)
    let (settings, expires) = (account.settings, try context.client().expires)
    return Response(
      status: .ok, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"],
      body: ResponseBody { writer in
        var (last, lastLine, isBehind) = (since, ContinuousClock.now, true)
        for await end in watch.ends(of: settings.accountId) {
          // Ends with the token and with this replica; clients come back with ?since= the last id that they have.
          if readiness.isDraining || expires.map({ $0 <= .now }) ?? false { break }
          let isSilent = lastLine.duration(to: .now) >= Self.heartbeat
          // A heartbeat says that there is nothing more, so it is preceded by a look.
          isBehind = isBehind || end > last || isSilent
          while isBehind {
            let news = try await page(after: last, limit: Self.pageSize, of: settings)
            isBehind = news.count == Self.pageSize
            var lines = ByteBuffer()
            for entry in news {
              lines.writeBytes(try encodeJSON(entry.text))
              lines.writeInteger(UInt8(ascii: "\n"))
              last = entry.id
            }
            if news.isEmpty, isSilent {
              lines.writeString(
                "{\"lastTransactionId\":\"\(last)\",\"time\":\"\(Timestamp.now)\",\"type\":\"HEARTBEAT\"}\n")
            }
            guard lines.readableBytes > 0 else { continue }
            try await writer.write(lines)
            lastLine = .now
          }
        }
        try await writer.finish(nil)
      })
  }
}
