import Dispatch
import Glibc
import Synchronization

/// Runs an actor's jobs on one thread of its own, so that the actor may make blocking C calls without
/// holding up Swift's shared threads.
final class ThreadExecutor: SerialExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    var isStopped = false
  }
  private let state = Mutex(State())
  private let signal = DispatchSemaphore(value: 0)

  /// Starts the thread. It lives until `stop()`, and keeps the executor alive so long.
  init() {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ThreadExecutor>.fromOpaque(argument).takeRetainedValue().work()
        return nil
      }, box.toOpaque())
    // Without a thread no database call can ever be made; the machine is out of memory or processes.
    precondition(status == 0, "cannot create a thread: \(status)")
    pthread_detach(thread)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
    signal.signal()
  }

  /// Ends the thread after the jobs that are queued. Nothing may be enqueued afterwards.
  func stop() {
    state.withLock { $0.isStopped = true }
    signal.signal()
  }

  private func work() {
    while true {
      signal.wait()
      let (jobs, isStopped) = state.withLock { state in
        defer { state.jobs.removeAll(keepingCapacity: true) }
        return (state.jobs, state.isStopped)
      }
      for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
      if isStopped, jobs.isEmpty { return }
    }
  }
}
