import ServiceLifecycle
import TradingStore

/// Evaluates until the graceful shutdown, and then hands the shards over.
struct EvaluatorService: Service {
  let evaluator: Evaluator

  func run() async throws {
    await cancelWhenGracefulShutdown { await evaluator.run() }
    await evaluator.release()
  }
}

/// Passes on what is committed, by whichever replica, until the graceful shutdown.
struct LedgerService: Service {
  let tail: LedgerTail
  let receive: @Sendable ([LedgerEntry]) async -> Void

  func run() async throws {
    await cancelWhenGracefulShutdown {
      // It ends by being cancelled only.
      try? await tail.run(receive)
    }
  }
}
