import OperatorRuntime
import Synchronization

/// What is known of a release beside its status. All of it can be lost: tests are run again, clients sent away once more.
final class ReleaseMemory: Sendable {
  /// One stay in a step of one release.
  struct Stay: Hashable {
    var platform: String
    var attempt: Int
    var since: Int64
  }

  private struct State {
    var smokeTests: [ObjectKey: (stay: Stay, result: TaskState)] = [:]
    var drained: [ObjectKey: ContinuousClock.Instant] = [:]
    var prometheus: [ObjectKey: (stay: Stay, time: ContinuousClock.Instant, verdict: WatchVerdict)] = [:]
  }

  private let state = Mutex(State())

  func smokeTests(_ key: ObjectKey, _ stay: Stay) -> TaskState {
    state.withLock { $0.smokeTests[key].flatMap { $0.stay == stay ? $0.result : nil } ?? .notStarted }
  }

  func record(smokeTests result: TaskState, _ key: ObjectKey, _ stay: Stay) {
    state.withLock { $0.smokeTests[key] = (stay, result) }
  }

  /// What Prometheus said within the last `interval`, if it was asked.
  func prometheus(_ key: ObjectKey, _ stay: Stay, within interval: Duration) -> WatchVerdict? {
    state.withLock { state in
      guard let last = state.prometheus[key], last.stay == stay, .now - last.time < interval else { return nil }
      return last.verdict
    }
  }

  func record(prometheus verdict: WatchVerdict, _ key: ObjectKey, _ stay: Stay) {
    state.withLock { $0.prometheus[key] = (stay, .now, verdict) }
  }

  /// Whether so much time has passed since this was last true.
  func isTimeToDrain(_ key: ObjectKey, every interval: Duration) -> Bool {
    state.withLock { state in
      if let last = state.drained[key], .now - last < interval { return false }
      state.drained[key] = .now
      return true
    }
  }

  func forget(_ key: ObjectKey) {
    state.withLock { state in
      state.smokeTests[key] = nil
      state.drained[key] = nil
      state.prometheus[key] = nil
    }
  }
}
