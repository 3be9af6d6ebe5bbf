import TradingCore
import TradingStore

/// Traders' passwords in the table of accounts.
struct AccountCredentials: CredentialStore {
  let pool: PostgresPool

  func passwordHash(of accountId: String) async throws -> String? {
    let rows = try await pool.run(deadline: .now + .seconds(5)) { connection in
      try connection.query(
        "SELECT password_hash FROM accounts WHERE account_id = $1", [accountId], deadline: .now + .seconds(5))
    }
    return rows[0, 0]
  }

  /// Sets a trader's password. False when there is no such account.
  func setPasswordHash(_ hash: String, of accountId: String) async throws -> Bool {
    let rows = try await pool.run(deadline: .now + .seconds(5)) { connection in
      try connection.query(
        "UPDATE accounts SET password_hash = $2 WHERE account_id = $1 RETURNING 1", [accountId, hash],
        deadline: .now + .seconds(5))
    }
    return !rows.isEmpty
  }
}
