/// A text that is not the snapshot of an account.
public struct SnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The line that cannot be used, counted from 1, and why.
  public let line: Int
  public let reason: String
  public var description: String { "account snapshot, line \(line): \(reason)" }
}

extension Account {
  /// The state without the answers, as text from which `init(snapshot:)` makes an account that goes on in the same way.
  ///
  /// The answers are left out because they grow for ever; they are kept with the orders.
  public var snapshot: String {
    var copy = self
    copy.forgetAnswers()
    return copy.canonicalState
  }

  /// Takes over a `snapshot`. The account then knows no answers: its keeper looks client order ids up before `place`.
  public init(snapshot: String) throws(SnapshotError) {
    var account: Account?
    for (index, text) in snapshot.split(separator: "\n").enumerated() {
      do throws(CanonicalLineError) {
        let fields = CanonicalFields(text)
        if index == 0 { account = try Account(head: fields) } else { try account?.restore(fields) }
      } catch {
        throw SnapshotError(line: index + 1, reason: "\(error.field) is missing or malformed")
      }
    }
    guard let account else { throw SnapshotError(line: 1, reason: "ACCOUNT is missing or malformed") }
    self = account
  }

  private init(head fields: CanonicalFields) throws(CanonicalLineError) {
    guard fields.words == ["ACCOUNT"] else { throw CanonicalLineError(field: "ACCOUNT") }
    self.init(created: try AccountSettings(fields))
    restoreHead(
      balance: try fields.money("balance"), lastTransactionId: try fields.integer("last"),
      isInMarginCall: try fields.integer("inMarginCall") == 1,
      lastRollover: try fields.optionalInteger("rollover").map { Timestamp(milliseconds: $0) })
  }

  private mutating func restore(_ fields: CanonicalFields) throws(CanonicalLineError) {
    switch fields.words.first {
    case "ORDER":
      guard fields.words.count == 3,
        let type = OrderType.allCases.first(where: { $0.transactionName == fields.words[2] })
      else { throw CanonicalLineError(field: "type") }
      restore(
        order: PendingOrder(
          id: try fields.word(1, "id"),
          request: try OrderRequest(fields, type: type, accountId: settings.accountId),
          isTriggered: try fields.integer("triggered") == 1))
    case "LINKED":
      guard fields.words.count == 3 else { throw CanonicalLineError(field: "type") }
      let terms = LinkedOrderTerms(
        tradeId: try fields.integer("trade"),
        trigger: try LinkedOrderTerms.Trigger(fields, name: String(fields.words[2])))
      restore(linkedId: try fields.word(1, "id"), terms: terms, level: try fields.integer("at"))
    case "TRADE":
      restore(
        trade: Trade(
          id: try fields.word(1, "id"), symbol: Symbol(try fields.text("symbol")), side: try fields.choice("side"),
          volume: try fields.volume("volume"), cost: try fields.wideInteger("cost"),
          openTime: Timestamp(milliseconds: try fields.integer("opened")),
          takeProfitId: try fields.optionalInteger("takeProfit"),
          stopLossId: try fields.optionalInteger("stopLoss"),
          trailingStopId: try fields.optionalInteger("trailing")))
    // The sums of the trades, which stand before them.
    case "POSITION": break
    case "TRANSFER":
      restore(
        transfer: FundTransfer(
          amount: try fields.money("amount"), reason: try fields.choice("reason"),
          reference: try fields.text("reference"), balance: try fields.money("balance")))
    default: throw CanonicalLineError(field: "type")
    }
  }
}
