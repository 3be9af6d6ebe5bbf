import Logging
import TradingCore

/// One connection that commits, and the accounts whose commands always take it.
///
/// While a group is being committed the next one gathers, so the busier the lane is, the more commands share a round trip
/// and a flush of the database's log. Runs on a thread of its own: libpq blocks it, never Swift's shared threads.
actor Lane {
  static let groupLimit = 256
  /// Transactions after which an account's snapshot is written anew.
  static let snapshotInterval: Int64 = 256

  private let executor = ThreadExecutor()
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  nonisolated let queue = LaneQueue(capacity: 4_096, capacityOfAccount: 512)

  private let settings: PostgresSettings
  private let market: @Sendable () -> Market
  private let committed: @Sendable () -> Void
  private let logger: Logger
  private var connection: PostgresConnection?
  private var cache: AccountCache
  private var recent = RecentOrders(capacity: 4_096)

  init(
    settings: PostgresSettings, cachedAccounts: Int, market: @escaping @Sendable () -> Market,
    committed: @escaping @Sendable () -> Void, logger: Logger
  ) {
    self.settings = settings.forLanes()
    self.market = market
    self.committed = committed
    self.logger = logger
    cache = AccountCache(capacity: cachedAccounts)
  }

  /// Works until the queue is closed.
  func run() async {
    var backoff = Backoff()
    while await queue.isFilled() {
      do throws(PostgresError) {
        _ = try await connected()
        // Taken only now: whoever waits for a connection has not been sent, and is told so when the time is up.
        let commands = queue.take(limit: Self.groupLimit)
        if commands.isEmpty { continue }
        try await commit(commands)
        backoff = Backoff()
      } catch {
        queue.note(trouble: "\(error)")
        logger.warning("the database cannot be written to", metadata: ["error": "\(error)"])
        await disconnect()
        try? await Task.sleep(for: backoff.next())
      }
    }
    await disconnect()
  }

  /// Ends the thread, after `run` has returned.
  nonisolated func stop() { executor.stop() }

  private func connected() async throws(PostgresError) -> PostgresConnection {
    if let connection { return connection }
    let new = PostgresConnection(executor: executor)
    try await new.open(settings, deadline: .now + settings.connectTimeout * settings.hosts.count)
    connection = new
    return new
  }

  /// What was cached may have been lost with the old server, so it goes too.
  private func disconnect() async {
    cache.removeAll()
    recent.removeAll()
    await connection?.close()
    connection = nil
  }
}

// MARK: - One group

extension Lane {
  /// Carries commands out and commits them. What somebody else got in the way of goes back to the queue.
  ///
  /// - Throws: when the connection is of no more use. Everything has been answered or put back then.
  private func commit(_ commands: [DeskCommand]) async throws(PostgresError) {
    do throws(PostgresError) {
      try await attempt(commands)
    } catch {
      guard case .server(let refusal) = error, !error.isConnectionFailure else { throw error }
      // The statement as a whole was refused, so nothing was written. Halves find whose fault that was.
      if commands.count > 1 {
        for command in commands { _ = command.takeBack() }
        let (first, second) = (commands[..<(commands.count / 2)], commands[(commands.count / 2)...])
        do throws(PostgresError) {
          try await commit(Array(first))
        } catch {
          queue.putBack(Array(second))
          throw error
        }
        try await commit(Array(second))
      } else if error.isTransient || refusal.sqlState == "55P03" {
        retry(commands)
      } else {
        for command in commands { command.answer(.failure(.unavailable("\(error)"))) }
      }
    }
  }

  private func attempt(_ commands: [DeskCommand]) async throws(PostgresError) {
    let prepared: Preparation
    do throws(PostgresError) {
      prepared = try await prepare(commands, connected())
    } catch {
      if error.isConnectionFailure { queue.putBack(commands) }
      throw error
    }
    var draft = GroupDraft()
    for command in commands where !command.isAnswered {
      guard let base = prepared.accounts[command.accountId] else {
        command.answer(.failure(.unknownAccount(command.accountId)))
        continue
      }
      let stored = command.orderKey.flatMap { prepared.stored[$0] ?? recent[$0] }
      draft.add(command, on: base, stored: stored, in: market())
    }
    if draft.writes {
      let sent = draft.commands
      let isComplete = sent.reduce(true) { $1.beginSending() && $0 }
      if isComplete {
        try await send(draft, connected())
      } else {
        // Somebody was told that nothing was written; so nothing of it may be.
        for command in sent { _ = command.takeBack() }
        queue.putBack(sent)
      }
    } else {
      for chain in draft.chains { deliver(unwritten: chain, isFresh: prepared.fresh.contains(chain.accountId)) }
    }
    queue.putBack(draft.deferred)
  }

  /// What a group starts from.
  private struct Preparation {
    /// The group's accounts. Not left to the cache, which may be smaller than the group.
    var accounts: [String: CachedAccount]
    /// Those that were read for this group.
    var fresh: Set<String>
    var stored: [OrderKey: StoredOrder]
  }

  /// Gets every account of the group, and knows the answers to repeated orders where that matters.
  private func prepare(
    _ commands: [DeskCommand], _ connection: PostgresConnection
  ) async throws(PostgresError) -> Preparation {
    // A group that writes nothing is not checked by its writing.
    let isReading = commands.allSatisfy(\.isRead)
    var accounts: [String: CachedAccount] = [:]
    var wanted: [(accountId: String, known: CachedAccount?)] = []
    var seen: Set<String> = []
    for command in commands where seen.insert(command.accountId).inserted {
      let known = cache[command.accountId]
      if let known, !known.isStale, !isReading {
        accounts[command.accountId] = known
        continue
      }
      wanted.append((command.accountId, known))
    }
    if wanted.isEmpty { return Preparation(accounts: accounts, fresh: [], stored: [:]) }
    let deadline = ioDeadline(commands)
    let loaded = try await connection.load(wanted, deadline: deadline)
    var unreadable: Set<String> = []
    for (accountId, _) in wanted {
      switch loaded[accountId] {
      case .success(let account):
        accounts[accountId] = account
        cache[accountId] = account
      case .failure(let error):
        unreadable.insert(accountId)
        logger.error("account cannot be read", metadata: ["account_id": "\(accountId)", "error": "\(error)"])
        cache[accountId] = nil
        for command in commands where command.accountId == accountId {
          command.answer(.failure(.unavailable("\(error)")))
        }
      case nil: cache[accountId] = nil
      }
    }
    // Accounts that this lane did not have may have answered the same orders elsewhere.
    let names = Set(wanted.map(\.accountId)).subtracting(unreadable)
    let keys = commands.compactMap { names.contains($0.accountId) ? $0.orderKey : nil }
    let stored = try await connection.find(keys.filter { recent[$0] == nil }, deadline: deadline)
    return Preparation(accounts: accounts, fresh: names, stored: stored)
  }

  private func send(_ draft: GroupDraft, _ connection: PostgresConnection) async throws(PostgresError) {
    let rows = draft.rows
    let token = Int64.random(in: 1 ... .max)
    let statement = GroupStatement(rows, token: token)
    do throws(PostgresError) {
      let refusals = try await connection.run(statement, deadline: ioDeadline(draft.commands))
      var refused: [Int: Bool] = [:]
      for refusal in refusals { refused[refusal.index] = refusal.fenceHolds }
      for (index, chain) in draft.chains.enumerated() {
        if let fenceHolds = refused[index] { refuse(chain, fenceHolds: fenceHolds) } else { accept(chain) }
      }
      await writeSnapshots(of: draft, except: Set(refused.keys), connection)
    } catch {
      guard error.isConnectionFailure else { throw error }
      logger.warning("the answer to a commit was lost", metadata: ["error": "\(error)"])
      await resolve(draft, rows, token: token)
    }
  }

  /// Waits a little longer than the callers do: a commit that comes late is still better known than not.
  private func ioDeadline(_ commands: [DeskCommand]) -> ContinuousClock.Instant {
    max(commands.map(\.deadline).max() ?? .now, .now + .seconds(5))
  }
}

// MARK: - What came of it

extension Lane {
  private func accept(_ chain: GroupDraft.Chain) {
    committed()
    let accountId = chain.accountId
    cache[accountId] = CachedAccount(
      account: chain.account, revision: chain.base.revision, snapshotId: chain.base.snapshotId)
    for (clientOrderId, order) in chain.placed {
      recent.add(OrderKey(accountId: accountId, clientOrderId: clientOrderId), order)
    }
    deliver(chain)
  }

  private func deliver(_ chain: GroupDraft.Chain) {
    for (command, result) in chain.answers { command.answer(result) }
  }

  /// Answers that lead to no transaction hold only for the newest state: an order that is not there may have come a moment
  /// ago through another replica. So the state is read before they are given.
  private func deliver(unwritten chain: GroupDraft.Chain, isFresh: Bool) {
    if isFresh { return deliver(chain) }
    cache.markStale(chain.accountId)
    queue.putBack(chain.answers.map(\.command))
  }

  private func refuse(_ chain: GroupDraft.Chain, fenceHolds: Bool) {
    cache.markStale(chain.accountId)
    var again: [DeskCommand] = []
    for (command, _) in chain.answers {
      if !fenceHolds, command.fence != nil { command.answer(.failure(.fenced)) } else { again.append(command) }
    }
    retry(again)
  }

  /// At once the first time, then with growing pauses: whoever was faster may still hold the account.
  private func retry(_ commands: [DeskCommand]) {
    let attempts = commands.map { $0.takeBack() }.max() ?? 0
    if attempts <= 1 { return queue.putBack(commands) }
    let pause = Duration.milliseconds(Int64.random(in: 1...Int64(min(64, 1 << min(attempts, 6)))))
    Task { [queue] in
      try? await Task.sleep(for: pause)
      queue.putBack(commands)
    }
  }

  /// Reads what became of a group whose answer was lost, as long as somebody waits for it.
  private func resolve(_ draft: GroupDraft, _ rows: [GroupStatement.Row], token: Int64) async {
    var backoff = Backoff()
    let deadline = draft.commands.map(\.deadline).max() ?? .now
    while ContinuousClock.now < deadline {
      await disconnect()
      do throws(PostgresError) {
        let written = try await connected().written(rows, token: token, deadline: deadline)
        for (index, chain) in draft.chains.enumerated() {
          if written.contains(index) {
            deliver(chain)
          } else {
            retry(chain.answers.map(\.command))
          }
        }
        return
      } catch {
        queue.note(trouble: "\(error)")
        try? await Task.sleep(for: backoff.next())
      }
    }
    // The queue answers each at its deadline: not known.
  }

  /// Writes the snapshots that are due. They only save time, so a failure is no more than logged.
  private func writeSnapshots(of draft: GroupDraft, except refused: Set<Int>, _ connection: PostgresConnection) async {
    var due: [CachedAccount] = []
    for (index, chain) in draft.chains.enumerated() where !refused.contains(index) {
      let lines = Int64(chain.account.trades.count + chain.account.orders.count + chain.account.linkedOrders.count)
      guard chain.account.lastTransactionId - chain.base.snapshotId >= max(Self.snapshotInterval, lines) else {
        continue
      }
      due.append(
        CachedAccount(
          account: chain.account, revision: chain.base.revision, snapshotId: chain.account.lastTransactionId))
    }
    if due.isEmpty { return }
    do throws(PostgresError) {
      try await connection.write(snapshotsOf: due.map(\.account), deadline: .now + .seconds(5))
      for account in due { cache[account.account.settings.accountId] = account }
    } catch {
      logger.warning("snapshots were not written", metadata: ["error": "\(error)"])
    }
  }
}
