import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Notices the end of processes that are not our children, within a tenth of a second.
///
/// One task asks the kernel about all of them in turn, which costs next to nothing; podman's own events come later.
final class ProcessWatcher: Sendable {
  private struct State {
    var waiting: [Int: (pid: Int32, continuation: CheckedContinuation<Void, Never>)] = [:]
    var next = 0
  }

  private let state = Mutex(State())
  private let interval: Duration

  init(interval: Duration = .milliseconds(100)) { self.interval = interval }

  /// Looks after the processes until cancelled.
  func run() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: interval)
      let ended = state.withLock { state in
        let gone = state.waiting.filter { !Self.isAlive($0.value.pid) }
        for key in gone.keys { state.waiting[key] = nil }
        return gone.values.map(\.continuation)
      }
      for continuation in ended { continuation.resume() }
    }
    let rest = state.withLock { state in
      defer { state.waiting = [:] }
      return state.waiting.values.map(\.continuation)
    }
    for continuation in rest { continuation.resume() }
  }

  /// Returns when there is no such process (any more), or the task is cancelled.
  func waitUntilGone(_ pid: Int32) async {
    guard Self.isAlive(pid) else { return }
    let key = state.withLock { state in
      defer { state.next += 1 }
      return state.next
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if Task.isCancelled { return true }
          state.waiting[key] = (pid, continuation)
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: key) }?.continuation.resume()
    }
  }

  static func isAlive(_ pid: Int32) -> Bool {
    pid > 0 && (kill(pid, 0) == 0 || errno == EPERM)
  }
}
