import TradingCore

/// Opens accounts.
struct AccountOpening: Sendable {
  let pool: PostgresPool

  private static let statement = PreparedStatement(
    name: "open_account",
    sql: """
      WITH opened AS (
        INSERT INTO accounts (account_id, shard, last_transaction_id, settings, is_active)
        VALUES ($1, $2::int, 1, $3, false) ON CONFLICT DO NOTHING RETURNING account_id
      ), written AS (
        INSERT INTO transactions (account_id, transaction_id, batch_id, time, kind, line, token)
        SELECT account_id, 1, 1, to_timestamp($4::bigint / 1000.0), $5, $3, $6::bigint FROM opened
      )
      SELECT EXISTS (SELECT FROM opened)
      """)

  /// Waits for whoever is opening the account at this moment, so what it finds is final.
  private static let lookup = PreparedStatement(
    name: "find_opening",
    sql: "SELECT line FROM transactions WHERE account_id = $1 AND transaction_id = 1 AND token = $2::bigint")

  func open(
    _ settings: AccountSettings, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> Account {
    let (account, created) = Account.open(settings, at: .now)
    let token = Int64.random(in: 1 ... .max)
    let parameters = [
      settings.accountId, String(EvaluatorLeases.shard(of: settings.accountId)), created.canonicalLine,
      String(created.time.milliseconds), created.kind.name, String(token),
    ]
    var backoff = Backoff()
    var isInDoubt = false
    while true {
      let cause: PostgresError
      do {
        let isOpened = try await pool.run(deadline: deadline) { connection in
          if try connection.query(Self.statement, parameters, deadline: deadline)[0, 0] == "t" { return true }
          // An attempt whose answer was lost may have been this very one: the token tells.
          return try !connection.query(Self.lookup, [settings.accountId, String(token)], deadline: deadline).isEmpty
        }
        guard isOpened else { throw DeskError.accountExists(settings.accountId) }
        return account
      } catch let error as PostgresError {
        guard error.isConnectionFailure || error.isTransient else { throw .unavailable("\(error)") }
        if case .unreachable = error {} else { isInDoubt = true }
        cause = error
      } catch let error as DeskError {
        throw error
      } catch {
        throw .unavailable("\(error)")
      }
      let pause = backoff.next()
      guard .now + pause < deadline, (try? await Task.sleep(for: pause)) != nil else {
        throw isInDoubt ? .outcomeUnknown("\(cause)") : .unavailable("\(cause)")
      }
    }
  }
}
