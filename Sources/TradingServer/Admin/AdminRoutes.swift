import HTTPTypes
import Hummingbird
import Logging
import TradingCore
import TradingStore

/// What administrators do: accounts, their passwords and their money.
struct AdminAccountRoutes: Sendable {
  private static let accountFields: Set = [
    "accountId", "password", "currency", "leverage", "mode", "group", "marginCallPercent", "stopOutPercent",
    "negativeBalanceProtection",
  ]

  private struct AccountList: Encodable { let accounts: [String] }

  let board: MarketBoard
  let desk: TradingDesk
  let reader: LedgerReader
  let credentials: AccountCredentials
  let hasher: PasswordHasher

  func register(on router: some RouterMethods<TradingContext>) {
    router.get("/admin/accounts") { request, _ in
      let after = request.uri.queryParameters["after"].map { String($0) } ?? ""
      let limit = try request.number("limit", default: 1_000, in: 1...10_000)
      let ids = try await reader.accountIds(deadline: .requestDeadline)
      return try Response.json(AccountList(accounts: Array(ids.drop { $0 <= after }.prefix(Int(limit)))))
    }
    router.post("/admin/accounts") { request, context in try await open(request, context) }
    router.get("/admin/accounts/:accountId") { _, context in
      let account = try await desk.account(try accountId(context), deadline: .requestDeadline)
      return try Response.json(AccountText(account, in: board.market))
    }
    router.put("/admin/accounts/:accountId/password") { request, context in
      let body = try await JSONBody.read(request, known: ["password"])
      let id = try accountId(context)
      guard try await credentials.setPasswordHash(try await hash(try body.requiredText("password")), of: id) else {
        throw APIError(DeskError.unknownAccount(id))
      }
      context.logger.notice("password set", metadata: ["account_id": "\(id)"])
      return Response(status: .noContent)
    }
    router.post("/admin/accounts/:accountId/funding") { request, context in try await fund(request, context) }
  }

  private func accountId(_ context: TradingContext) throws -> String {
    try OrderDraft.identifier(try context.parameters.require("accountId"), field: "accountId")
  }

  private func hash(_ password: String) async throws -> String {
    guard password.utf8.count >= 8, PasswordHasher.isAcceptable(password) else {
      throw APIError.malformed(
        field: "password", "the password is not usable",
        remedy: "use 8 to \(PasswordHasher.maximumPasswordLength) bytes without a zero byte")
    }
    return try await hasher.hash(password)
  }

  private func open(_ request: Request, _ context: TradingContext) async throws -> Response {
    let body = try await JSONBody.read(request, known: Self.accountFields)
    let settings = try Self.settings(body)
    let hash: String? =
      if let password = try body.text("password") { try await hash(password) } else { nil }
    let account = try await desk.open(settings, deadline: .requestDeadline)
    if let hash { _ = try await credentials.setPasswordHash(hash, of: settings.accountId) }
    context.logger.notice("account opened", metadata: ["account_id": "\(settings.accountId)"])
    return try .json(AccountText(account, in: board.market), status: .created)
  }

  private static func settings(_ body: JSONBody) throws -> AccountSettings {
    let id = try OrderDraft.identifier(try body.requiredText("accountId"), field: "accountId")
    guard id != Sessions.adminLogin else {
      throw APIError.malformed(
        field: "accountId", "\"\(id)\" is the administrator's login", remedy: "choose another accountId")
    }
    let currency = try body.text("currency") ?? "USD"
    guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
    else {
      throw APIError.malformed(
        field: "currency", "\"\(shortened(currency))\" is not a currency", remedy: "use a code of ISO 4217, such as USD"
      )
    }
    func number(_ field: String, default fallback: Int64, in range: ClosedRange<Int64>) throws -> Int64 {
      guard let text = try body.text(field) else { return fallback }
      guard let number = Int64(text), range.contains(number) else {
        throw APIError.malformed(
          field: field, "\"\(shortened(text))\" is not usable",
          remedy: "write a whole number from \(range.lowerBound) to \(range.upperBound) as text")
      }
      return number
    }
    let mode = try body.text("mode") ?? PositionMode.hedging.rawValue
    guard let positionMode = PositionMode(rawValue: mode) else {
      throw APIError.malformed(
        field: "mode", "\"\(shortened(mode))\" is not a mode",
        remedy: "use \(PositionMode.allCases.map(\.rawValue).joined(separator: " or "))")
    }
    let group = try body.text("group") ?? ""
    return AccountSettings(
      accountId: id, currency: Currency(currency),
      leverage: try number("leverage", default: 30, in: 1...1_000), mode: positionMode,
      group: group.isEmpty ? "" : try OrderDraft.identifier(group, field: "group"),
      marginCallPercent: try number("marginCallPercent", default: 100, in: 0...10_000),
      stopOutPercent: try number("stopOutPercent", default: 50, in: 0...10_000),
      hasNegativeBalanceProtection: try body.boolean("negativeBalanceProtection", default: true))
  }

  /// Deposits or withdraws once for each reference, however often it is sent.
  private func fund(_ request: Request, _ context: TradingContext) async throws -> Response {
    struct Answer: Encodable { let accountId, amount, balance, reason, reference: String }
    let body = try await JSONBody.read(request, known: ["amount", "reference", "reason"])
    let (id, reference) = (
      try accountId(context), try OrderDraft.identifier(try body.requiredText("reference"), field: "reference")
    )
    let text = try body.requiredText("amount")
    let reasons: [FundTransfer.Reason] = [.clientFunding, .adjustment]
    let name = try body.text("reason") ?? FundTransfer.Reason.clientFunding.rawValue
    guard let reason = reasons.first(where: { $0.rawValue == name }) else {
      throw APIError.malformed(
        field: "reason", "\"\(shortened(name))\" is not a reason",
        remedy: "use \(reasons.map(\.rawValue).joined(separator: " or "))")
    }
    let currency = try await desk.account(id, deadline: .requestDeadline).settings.currency
    guard let units = try? DecimalText.parse(text, fractionDigits: currency.digits), units != 0 else {
      throw APIError.malformed(
        field: "amount", "\"\(shortened(text))\" is not an amount of \(currency)",
        remedy: "write a decimal number with at most \(currency.digits) decimal places as text; negative withdraws")
    }
    let now = Timestamp.now
    let transactions: [Transaction]
    do {
      transactions = try await desk.perform(on: id, deadline: .requestDeadline) {
        account, market throws(CommandError) in
        try account.transfer(Money(minorUnits: units), reason: reason, reference: reference, in: market, at: now)
      }
    } catch {
      guard case .command(.conflict(let field)) = error else { throw APIError(error) }
      throw APIError(
        .conflict, "reference_reused", field: field, "this reference was used for a transfer with another \(field)",
        remedy: "use a new reference for a different transfer")
    }
    guard let transfer = try await desk.account(id, deadline: .requestDeadline).transfers[reference] else {
      throw APIError.internalError
    }
    if !transactions.isEmpty {
      context.logger.notice("account funded", metadata: ["account_id": "\(id)", "reference": "\(reference)"])
    }
    return try .json(
      Answer(
        accountId: id, amount: transfer.amount.text(in: currency), balance: transfer.balance.text(in: currency),
        reason: transfer.reason.rawValue, reference: reference), status: transactions.isEmpty ? .ok : .created)
  }
}
