import Synchronization
import TradingCore

/// Something to be done to an account, and the caller who waits for the answer.
final class DeskCommand: Sendable {
  typealias Body = @Sendable (inout Account, Market) throws(CommandError) -> [Transaction]

  enum Work: Sendable {
    case place(OrderRequest)
    case perform(Body)
    case read
  }

  enum Answer: Sendable {
    case placement(Placement)
    case transactions([Transaction])
    case account(Account)
  }

  private struct State {
    var continuation: CheckedContinuation<Result<Answer, DeskError>, Never>?
    /// An answer that came before anyone waited.
    var early: Result<Answer, DeskError>?
    var isAnswered = false
    /// Part of a statement that may have reached the database.
    var isSent = false
    var attempts = 0
    var trace = CommandTrace()
  }

  let accountId: String
  let work: Work
  let fence: EvaluatorLease?
  let deadline: ContinuousClock.Instant
  private let state = Mutex(State())

  init(_ work: Work, on accountId: String, fence: EvaluatorLease? = nil, deadline: ContinuousClock.Instant) {
    self.work = work
    self.accountId = accountId
    self.fence = fence
    self.deadline = deadline
  }

  var isAnswered: Bool { state.withLock { $0.isAnswered } }

  /// The answer, whenever it comes. May be called once.
  func result() async -> Result<Answer, DeskError> {
    await withCheckedContinuation { continuation in
      let early = state.withLock { state in
        if state.early == nil { state.continuation = continuation }
        return state.early
      }
      if let early { continuation.resume(returning: early) }
    }
  }

  /// Gives the answer; a second one is dropped.
  func answer(_ result: Result<Answer, DeskError>) {
    let continuation = state.withLock { state -> CheckedContinuation<Result<Answer, DeskError>, Never>? in
      if state.isAnswered { return nil }
      state.isAnswered = true
      if state.continuation == nil { state.early = result }
      if case .failure(let error) = result { state.trace?.end(error) } else { state.trace?.end(nil) }
      defer { state.continuation = nil }
      return state.continuation
    }
    continuation?.resume(returning: result)
  }

  /// From here on its outcome is unknown until the database has answered. False when the caller has been answered already.
  func beginSending() -> Bool {
    state.withLock { state in
      if state.isAnswered { return false }
      state.isSent = true
      state.trace?.beginCommit()
      return true
    }
  }

  /// It is certain that nothing was written, and it is to be tried again. Gives the number of attempts so far.
  func takeBack() -> Int {
    state.withLock { state in
      if state.isSent { state.trace?.beginNextWait() }
      state.isSent = false
      state.attempts += 1
      return state.attempts
    }
  }

  /// Answers when the time is up. True when an answer was given, now or before.
  func expire(at now: ContinuousClock.Instant, _ reason: String) -> Bool {
    let (isAnswered, isSent) = state.withLock { ($0.isAnswered, $0.isSent) }
    if isAnswered { return true }
    guard now >= deadline else { return false }
    // Between the two locks it may have been sent; then the milder answer would be a lie.
    if isSent { answer(.failure(.outcomeUnknown(reason))) } else { answerUnsent(reason) }
    return true
  }

  private func answerUnsent(_ reason: String) {
    let continuation = state.withLock { state -> CheckedContinuation<Result<Answer, DeskError>, Never>? in
      if state.isAnswered || state.isSent { return nil }
      state.isAnswered = true
      if state.continuation == nil { state.early = .failure(.unavailable(reason)) }
      state.trace?.end(.unavailable(reason))
      defer { state.continuation = nil }
      return state.continuation
    }
    continuation?.resume(returning: .failure(.unavailable(reason)))
  }
}
