import TradingCore
import TradingStore

/// Decides what has to be written for the accounts of one shard, from moments of the market and the ledger's news. Pure.
///
/// The dealer inside leads a moment to the accounts that it concerns and goes on as if what it found were written. The one
/// who writes evaluates the same moments on the account as it is by then; when something else comes of it, because another
/// replica has written, the account is read anew and meets every moment since.
struct ShardBook {
  /// Something to be done for one account; the book hears of the outcome before it asks for more on that account.
  enum Request: Sendable {
    /// Evaluate these moments on the account and write what they lead to: `finished`.
    case evaluate(accountId: String, [MarketMoment], RecentChanges)
    /// Read the account and its newest transactions: `reloaded`.
    case reload(accountId: String)
    /// Book these rollovers: `finished`.
    case rollOver(accountId: String, [Timestamp])

    var accountId: String {
      switch self {
      case .evaluate(let accountId, _, _), .reload(let accountId), .rollOver(let accountId, _): accountId
      }
    }
  }

  /// An account with a request under way.
  private struct Work {
    /// The first moment that is not known to be settled.
    var since: Timestamp
    /// What the request should lead to; nil when that was not foreseen.
    var expected: [Transaction]?
    /// What came meanwhile.
    var queue: [MarketMoment] = []
    var foreseen: [Transaction] = []
    var mustReload = false
    /// The newest transaction that was heard of meanwhile.
    var heardThrough: TransactionID = 0
  }

  let lease: EvaluatorLease
  private(set) var dealer: Dealer
  private var recent: [String: RecentChanges] = [:]
  private var work: [String: Work] = [:]
  private var newest: Timestamp?
  private var rolledOver: Timestamp?

  /// Takes a shard over.
  ///
  /// - Parameters:
  ///   - accounts: as they were read after the lease was taken.
  ///   - history: the moments that can be looked back at. Those that a predecessor has evaluated lead to nothing a second time.
  /// - Returns: in `requests`, to read the accounts that they may concern.
  init(lease: EvaluatorLease, accounts: [Account], terms: DealerTerms, history: [MarketMoment]) {
    self.lease = lease
    dealer = Dealer(terms: terms)
    for account in accounts { dealer.add(account) }
    var concerned: Set<String> = []
    for moment in history { concerned.formUnion(dealer.take(moment).map(\.accountId)) }
    newest = history.last?.tick.time
    for account in accounts {
      let id = account.settings.accountId
      recent[id] = RecentChanges(knownThrough: account.lastTransactionId)
      // Whether the orders had been there at the time is not known yet.
      if concerned.contains(id) { dealer.add(account) }
    }
    let start = history.first?.tick.time ?? Timestamp(milliseconds: 0)
    for id in concerned { work[id] = Work(since: start) }
    requests = concerned.sorted().map { .reload(accountId: $0) }
  }

  /// What is to be begun; taken out by whoever begins it.
  private(set) var requests: [Request]

  mutating func takeRequests() -> [Request] {
    defer { requests.removeAll() }
    return requests
  }

  /// Every account met every moment up to this one, and what that led to is committed.
  var watermark: Timestamp? {
    let open = work.values.map(\.since).min().map { Timestamp(milliseconds: $0.milliseconds - 1) }
    return open.map { min($0, newest ?? $0) } ?? newest
  }

  /// Accounts that something is being written or read for.
  var busyAccounts: Int { work.count }

  // MARK: - What comes in

  /// The next moment of the market.
  mutating func take(_ moment: MarketMoment) {
    newest = moment.tick.time
    var effects: [String: [Transaction]] = [:]
    for effect in dealer.take(moment) { effects[effect.accountId, default: []] += effect.transactions }
    for (id, transactions) in effects.sorted(by: { $0.key < $1.key }) {
      if work[id] == nil {
        begin(id, [moment], expecting: transactions)
      } else {
        work[id]?.queue.append(moment)
        work[id]?.foreseen += transactions
      }
    }
    rollOver(at: moment.tick.time)
  }

  /// What was committed to accounts of this shard, by this replica or another. `history` goes back as far as possible.
  mutating func hear(_ entries: [LedgerEntry], history: [MarketMoment]) {
    var changed: [String: Timestamp] = [:]
    for entry in entries {
      let (id, transaction) = (entry.accountId, entry.transaction)
      guard let through = recent[id]?.knownThrough, let last = dealer[id]?.lastTransactionId else {
        // An account that had nothing to evaluate until now.
        recent[id] = RecentChanges(knownThrough: 0)
        reload(id, since: transaction.time)
        continue
      }
      if transaction.id <= through { continue }
      recent[id]?.note(transaction)
      if let open = work[id] { work[id]?.heardThrough = max(open.heardThrough, transaction.id) }
      let isNext = transaction.id == through + 1 && transaction.id == last + 1
      if work[id] == nil, isNext, dealer.apply(transaction, to: id) {
        changed[id] = min(changed[id] ?? transaction.time, transaction.time)
      } else {
        reload(id, since: transaction.time)
      }
    }
    // A price may have touched an order between its commit and now.
    for (id, time) in changed.sorted(by: { $0.key < $1.key }) where work[id] == nil {
      catchUp(id, since: time, history)
    }
  }

  /// A request was carried out and wrote `transactions`.
  mutating func finished(_ accountId: String, wrote transactions: [Transaction]) {
    guard let done = work.removeValue(forKey: accountId) else { return }
    for transaction in transactions { recent[accountId]?.note(transaction) }
    let isAsExpected =
      done.expected.map { $0.count == transactions.count && zip($0, transactions).allSatisfy(Self.isSame) } ?? false
    if done.mustReload || !isAsExpected {
      reload(accountId, since: done.since)
    } else if !done.queue.isEmpty {
      begin(accountId, done.queue, expecting: done.foreseen)
    }
  }

  /// A request came to nothing, or what came of it is not known.
  mutating func failed(_ accountId: String) {
    guard let done = work.removeValue(forKey: accountId) else { return }
    reload(accountId, since: done.since)
  }

  /// The account, and its newest transactions as far back as `history`.
  mutating func reloaded(_ account: Account, newest transactions: [Transaction], history: [MarketMoment]) {
    let id = account.settings.accountId
    let done = work.removeValue(forKey: id)
    var since = done?.since
    var known = recent[id] ?? RecentChanges(knownThrough: 0)
    for transaction in transactions where transaction.id <= account.lastTransactionId {
      if transaction.id > known.knownThrough { since = min(since ?? transaction.time, transaction.time) }
      known.note(transaction)
    }
    known.know(through: account.lastTransactionId)
    recent[id] = known
    dealer.add(account)
    let start = since ?? newest ?? Timestamp(milliseconds: 0)
    catchUp(id, since: start, history)
    // It was read before something was committed that has been heard of already, and will not be heard again.
    if let done, done.heardThrough > account.lastTransactionId { reload(id, since: start) }
  }

  /// There is no such account any more.
  mutating func gone(_ accountId: String) { work[accountId] = nil }

  /// Forgets what is older than any moment that can be looked back at.
  mutating func forget(before time: Timestamp) {
    for (id, known) in recent where !known.times.isEmpty { recent[id]?.forget(before: time) }
  }

  /// Goes on under other terms.
  mutating func replace(terms: DealerTerms, last moment: MarketMoment?) {
    let accounts = dealer.allAccounts
    dealer = Dealer(terms: terms)
    if let moment { _ = dealer.take(moment) }
    for account in accounts { dealer.add(account) }
  }

  // MARK: - What follows

  private mutating func begin(_ id: String, _ moments: [MarketMoment], expecting transactions: [Transaction]) {
    guard let first = moments.first, let known = recent[id] else { return }
    work[id] = Work(since: first.tick.time, expected: transactions)
    requests.append(.evaluate(accountId: id, moments, known))
  }

  private mutating func reload(_ id: String, since time: Timestamp) {
    if let open = work[id] {
      work[id]?.since = min(open.since, time)
      work[id]?.mustReload = true
      return
    }
    work[id] = Work(since: time)
    requests.append(.reload(accountId: id))
  }

  /// Lets an account meet the moments since `time` again. Those that it has met lead to nothing.
  private mutating func catchUp(_ id: String, since time: Timestamp, _ history: [MarketMoment]) {
    guard var account = dealer[id], let known = recent[id], let newest else { return }
    let moments = history.filter { $0.tick.time >= time && $0.tick.time <= newest }
    let transactions = account.evaluate(moments, known)
    if transactions.isEmpty { return }
    dealer.add(account)
    begin(id, moments, expecting: transactions)
  }

  /// Once a day, and after a take-over for the days that nobody charged.
  private mutating func rollOver(at time: Timestamp) {
    let last = Rollovers.last(at: time)
    if rolledOver == last { return }
    rolledOver = last
    for account in dealer.allAccounts {
      let id = account.settings.accountId
      let due = Rollovers.due(account, at: time)
      if due.isEmpty { continue }
      guard work[id] == nil else {
        // Looked at again with the next moment.
        rolledOver = nil
        continue
      }
      work[id] = Work(since: time)
      requests.append(.rollOver(accountId: id, due))
    }
  }

  /// The time of what is written late differs from the time of what was foreseen.
  private static func isSame(_ left: Transaction, _ right: Transaction) -> Bool {
    left.id == right.id && left.batchId == right.batchId && left.kind == right.kind
  }
}

extension Dealer {
  /// Takes over what an account wrote, in place: accounts are large, and this is done for every order of the shard.
  ///
  /// - Returns: False when it cannot be the account's next transaction; then nothing has changed.
  fileprivate mutating func apply(_ transaction: Transaction, to accountId: String) -> Bool {
    do throws(ReplayError) {
      return try perform(on: accountId) { account, _ throws(ReplayError) in
        try account.apply(transaction)
        // Nobody asks an evaluator for them, and they would grow with every order.
        account.forgetAnswers()
        return true
      } ?? false
    } catch {
      return false
    }
  }
}
