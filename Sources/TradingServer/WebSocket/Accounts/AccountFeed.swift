import TradingCore

/// How far one client has been told an account's ledger, without any input or output.
///
/// Ids have no gaps, so one number says what was told. What cannot be sent at once is not kept but read from the ledger when
/// its turn comes: neither a hole nor a double can come about, and a slow reader costs nothing.
struct AccountFeed: Equatable {
  /// What to do about news.
  enum Decision: Equatable {
    case nothing
    case send
    /// Read from the ledger what follows this transaction.
    case read(after: TransactionID)
    /// The client takes nothing and is too far behind; it resumes after this transaction on another connection.
    case outgrown(after: TransactionID)
  }

  /// The last transaction that was told; nil until the account was read.
  private(set) var told: TransactionID?
  /// The ledger is known to reach so far.
  private var known: TransactionID = 0
  private var isReading = false

  /// The account was read up to `last`, and the client has everything up to `since` already.
  mutating func open(last: TransactionID, since: TransactionID?) {
    told = since ?? last
    known = max(known, last)
  }

  /// `id` was committed. `isReady`: the client takes messages, and this one is at hand.
  mutating func hear(_ id: TransactionID, isReady: Bool, isSlow: Bool, lag: Int64) -> Decision {
    known = max(known, id)
    guard let told, id > told else { return .nothing }
    if isSlow { return id - told > lag ? .outgrown(after: told) : .nothing }
    guard isReady, id == told + 1, !isReading else { return proceed() }
    self.told = id
    return .send
  }

  /// What to do when nothing new has happened: the client takes messages again, or a page was told.
  mutating func proceed() -> Decision {
    guard let told, told < known, !isReading else { return .nothing }
    isReading = true
    return .read(after: told)
  }

  /// The page that was asked for is here; what follows what was told is to be sent.
  mutating func take(_ page: [TransactionID]) -> [TransactionID] {
    isReading = false
    var news: [TransactionID] = []
    for id in page where id == (told ?? 0) + 1 {
      told = id
      news.append(id)
    }
    return news
  }

  /// The ledger could not be read; `proceed` asks again.
  mutating func failed() { isReading = false }
}
