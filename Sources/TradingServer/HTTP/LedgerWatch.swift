import ServiceLifecycle
import Synchronization
import TradingCore
import TradingStore

/// Tells those who read on in an account's ledger how far it reaches, so that they look only when there is something new.
final class LedgerWatch: Service {
  private struct Account {
    var last: TransactionID = 0
    var readers: [Int: AsyncStream<TransactionID>.Continuation] = [:]
  }
  private struct State {
    var accounts: [String: Account] = [:]
    var count = 0
  }

  private let interval: Duration
  private let state = Mutex(State())

  /// - Parameter interval: after which readers hear the same again, to see what else has happened to them.
  init(interval: Duration = .seconds(1)) { self.interval = interval }

  /// What was committed, by whichever replica.
  func hear(_ entries: [LedgerEntry]) {
    state.withLock { state in
      for entry in entries {
        guard let account = state.accounts[entry.accountId] else { continue }
        let last = max(account.last, entry.transaction.id)
        state.accounts[entry.accountId]?.last = last
        for reader in account.readers.values { reader.yield(last) }
      }
    }
  }

  /// The newest transaction's id as far as it was heard of, at once, whenever there is a newer one, and now and then. What
  /// is not taken is overtaken by what comes next.
  func ends(of accountId: String) -> AsyncStream<TransactionID> {
    let (stream, reader) = AsyncStream.makeStream(of: TransactionID.self, bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state in
      state.count += 1
      state.accounts[accountId, default: Account()].readers[state.count] = reader
      reader.yield(state.accounts[accountId]?.last ?? 0)
      return state.count
    }
    reader.onTermination = { [weak self] _ in self?.leave(accountId, number) }
    return stream
  }

  /// How many read on.
  var readers: Int { state.withLock { $0.accounts.values.reduce(0) { $0 + $1.readers.count } } }

  /// Reminds everyone, until shut down.
  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        try? await Task.sleep(for: self.interval)
        self.remind()
      }
    }
  }

  private func remind() {
    state.withLock { state in
      for account in state.accounts.values {
        for reader in account.readers.values { reader.yield(account.last) }
      }
    }
  }

  private func leave(_ accountId: String, _ number: Int) {
    state.withLock { state in
      state.accounts[accountId]?.readers[number] = nil
      if state.accounts[accountId]?.readers.isEmpty == true { state.accounts[accountId] = nil }
    }
  }
}
