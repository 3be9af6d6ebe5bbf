import NIOCore
import NIOPosix

/// Waits on a timer that goes away when the task is cancelled.
///
/// `Task.sleep` leaves its timer behind until it would have fired (it only stops waiting for it). A time limit around every
/// request and every read of a watch is nearly always cancelled: thousands of dead timers would cost memory and wake the process a minute later.
/// - Throws: `CancellationError`.
package func sleepCancellably(for duration: Duration) async throws {
  try Task.checkCancellation()
  let timer = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: TimeAmount(duration)) {}
  try await withTaskCancellationHandler {
    do { try await timer.futureResult.get() } catch { throw CancellationError() }
  } onCancel: {
    timer.cancel()
  }
}
