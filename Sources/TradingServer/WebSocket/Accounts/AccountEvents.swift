import NIOCore
import Synchronization
import TradingCore
import TradingStore

/// Where accounts and their ledgers are read.
protocol AccountBooks: Sendable {
  func account(_ accountId: String, deadline: ContinuousClock.Instant) async throws(DeskError) -> Account
  /// After `id`, oldest first.
  func transactions(
    of accountId: String, after id: TransactionID, limit: Int, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> [Transaction]
}

/// The books that all replicas share.
struct SharedBooks: AccountBooks {
  let desk: TradingDesk
  let reader: LedgerReader

  func account(_ accountId: String, deadline: ContinuousClock.Instant) async throws(DeskError) -> Account {
    try await desk.account(accountId, deadline: deadline)
  }

  func transactions(
    of accountId: String, after id: TransactionID, limit: Int, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> [Transaction] {
    try await reader.transactions(accountId: accountId, after: id, limit: limit, deadline: deadline)
  }
}

/// What clients are told about accounts: reads it from the books for those who ask, a few at a time, and writes what is
/// committed once for all who follow.
final class AccountEvents: Sendable {
  /// An account as it was read.
  struct Opening: Sendable {
    let lastTransactionId: TransactionID
    let group: String
    let frame: ByteBuffer
  }

  /// Transactions that are read at once; few, so that a slow reader's are not held in memory.
  static let pageSize = 64
  /// Reads at the same time: those who come back after an interruption must not take all connections to the database.
  private static let readers = 2
  private static let patience: Duration = .seconds(10)

  private struct Followed {
    var count = 0
    /// Known once the account was read.
    var currency: Currency?
  }

  private let books: any AccountBooks
  private let market: @Sendable () -> Market
  private let messages: AccountMessages
  private let followed = Mutex<[String: Followed]>([:])
  private let requests: AsyncStream<@Sendable () async -> Void>
  private let queue: AsyncStream<@Sendable () async -> Void>.Continuation

  init(books: any AccountBooks, market: @escaping @Sendable () -> Market) {
    self.books = books
    self.market = market
    messages = AccountMessages(catalog: market().terms.catalog)
    (requests, queue) = AsyncStream.makeStream()
  }

  /// Reads what is asked for, until the task is cancelled. To be called once.
  func run() async {
    await withDiscardingTaskGroup { group in
      var busy = 0
      let (done, finished) = AsyncStream.makeStream(of: Void.self)
      var ends = done.makeAsyncIterator()
      for await request in requests {
        if busy == Self.readers { await ends.next() } else { busy += 1 }
        group.addTask {
          await request()
          finished.yield()
        }
      }
    }
  }

  /// Someone on this replica follows the account from now on.
  func follow(_ accountId: String) { followed.withLock { $0[accountId, default: Followed()].count += 1 } }

  func unfollow(_ accountId: String) {
    followed.withLock { followed in
      followed[accountId]?.count -= 1
      if followed[accountId]?.count == 0 { followed[accountId] = nil }
    }
  }

  /// What was committed, as messages for those accounts that anyone follows here.
  func messages(for entries: [LedgerEntry]) -> [String: [TransactionMessage]] {
    let currencies = followed.withLock { followed in followed.mapValues(\.currency) }
    var result: [String: [TransactionMessage]] = [:]
    for entry in entries {
      guard let currency = currencies[entry.accountId] else { continue }
      let message =
        currency.map { messages.transaction(entry.transaction, of: entry.accountId, in: $0) }
        ?? TransactionMessage(id: entry.transaction.id, frame: nil)
      result[entry.accountId, default: []].append(message)
    }
    return result
  }

  /// Reads the account and hands it to `receive`, on any thread.
  func open(_ accountId: String, _ receive: @escaping @Sendable (Result<Opening, DeskError>) -> Void) {
    queue.yield {
      do throws(DeskError) {
        let account = try await self.books.account(accountId, deadline: .now + Self.patience)
        self.followed.withLock { $0[accountId]?.currency = account.settings.currency }
        let frame = self.messages.account(account, in: self.market())
        receive(
          .success(
            Opening(lastTransactionId: account.lastTransactionId, group: account.settings.group, frame: frame)))
      } catch {
        receive(.failure(error))
      }
    }
  }

  /// Reads a page of the ledger after `id` and hands it to `receive`, on any thread; nil when it cannot be read.
  func read(
    _ accountId: String, after id: TransactionID, _ receive: @escaping @Sendable ([TransactionMessage]?) -> Void
  ) {
    queue.yield {
      do throws(DeskError) {
        let page = try await self.books.transactions(
          of: accountId, after: id, limit: Self.pageSize, deadline: .now + Self.patience)
        guard let currency = self.followed.withLock({ $0[accountId]?.currency }) else { return receive(nil) }
        receive(page.map { self.messages.transaction($0, of: accountId, in: currency) })
      } catch {
        receive(nil)
      }
    }
  }
}
