import ArgumentParser
import Logging
import TradingServer
import TradingStore

struct Audit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check the books: everything that is stored has to follow from the ledger.",
    discussion: """
      For every account: the ids have no gap, each transaction follows from those before it, the balance is their sum, \
      the account's row and snapshot are what the fold gives, and every order's stored answer is what the ledger says. \
      The server may go on meanwhile. Exits 1 and names the account when something does not agree.
      """)

  @Option(name: .customLong("account"), help: "Only this account; may be repeated.")
  var accounts: [String] = []
  @OptionGroup var limit: TimeLimit

  func run() async throws {
    Setup.endOnSignals()
    let logger = Setup.logger()
    let settings = try Setup.configured(logger) { environment throws(ConfigurationError) in
      try ServerConfiguration.postgres(environment: environment)
    }
    let pool = PostgresPool(settings: settings, size: 2, logger: logger)
    let audit = LedgerAudit(pool: pool)
    var disagreeing: [AccountAudit] = []
    do {
      let ids = accounts.isEmpty ? try await LedgerReader(pool: pool).accountIds(deadline: limit.deadline) : accounts
      print("ACCOUNT                  TRANSACTIONS    ORDERS            BALANCE  BOOKS")
      for id in ids {
        let account = try await audit.audit(id, deadline: limit.deadline)
        print(Self.line(account))
        if !account.problems.isEmpty { disagreeing.append(account) }
      }
    } catch {
      logger.critical("the audit could not be finished", metadata: ["error": "\(error)"])
      await pool.shutdown()
      throw Exit.unavailable
    }
    await pool.shutdown()
    for account in disagreeing {
      for problem in account.problems { print("account \(account.accountId): \(problem)") }
    }
    if !disagreeing.isEmpty { throw Exit.failure }
  }

  private static func line(_ account: AccountAudit) -> String {
    func padded(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    let name = account.accountId + String(repeating: " ", count: max(0, 24 - account.accountId.count))
    return name + padded(String(account.transactions), 13) + padded(String(account.orders), 10)
      + padded(account.balance ?? "-", 19) + "  " + (account.problems.isEmpty ? "agree" : "DISAGREE")
  }
}
