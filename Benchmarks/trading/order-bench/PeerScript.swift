import TradingCore
import TradingStore

/// What pgbench runs: the statement that the desk commits a group by, with one order in it, as one transaction. Each of
/// pgbench's clients has an account of its own and keeps count of its transactions, so nothing has to be read before.
enum PeerScript {
  static func text() throws -> String {
    let sample = try sample()
    var sql = sample.sql
    // From the last: $1 is also the beginning of $10.
    for (index, value) in sample.parameters.enumerated().reversed() {
      sql = sql.replacing("$\(index + 1)", with: varying[index + 1] ?? literal(value))
    }
    return """
      \\set first :last + 1
      \\set second :last + 2
      \(sql.split(separator: "\n").joined(separator: " "));
      \\set last :last + 2
      """
  }

  private static let account = "('{bench-'::text || :client_id::text || '}')"
  /// The parameters that differ from order to order; the others go as they are.
  private static let varying: [Int: String] = [
    1: account, 2: "('{'::text || :last::text || '}')", 4: "('{'::text || :second::text || '}')",
    9: "('{bench-'::text || :client_id::text || ',bench-' || :client_id::text || '}')",
    10: "('{'::text || :first::text || ',' || :second::text || '}')",
    11: "('{'::text || :first::text || ',' || :first::text || '}')",
    16: account, 17: "('{peer-'::text || :first::text || '}')", 18: "('{'::text || :first::text || '}')",
  ]

  /// Colons are escaped: pgbench takes what follows one for a variable.
  private static func literal(_ value: String?) -> String {
    guard let value else { return "NULL" }
    let escaped = value.replacing("\\", with: "\\\\").replacing("'", with: "''").replacing(":", with: "\\x3a")
    return "E'\(escaped)'"
  }

  /// An order as the desk would write it, so that lines and answers have their real length.
  private static func sample() throws -> (sql: String, parameters: [String?]) {
    let market = try BenchAccount.market()
    let settings = AccountSettings(accountId: "bench-0", currency: Currency("USD"), mode: .netting)
    var account = Account.open(settings, at: BenchAccount.now).account
    _ = try account.transfer(
      Money(minorUnits: 1_000_000_000_000), reference: "bench", in: market, at: BenchAccount.now)
    let request = BenchAccount(0).order("1234567890123456789-1234", turn: 0)
    let transactions = try account.place(request, in: market, at: BenchAccount.now).transactions
    return try MeasuredStatement.group(
      of: transactions, settings: settings, digits: 5, expected: 2)
  }
}
