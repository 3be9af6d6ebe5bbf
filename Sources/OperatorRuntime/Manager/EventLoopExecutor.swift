public import NIOCore
import NIOPosix

/// Runs tasks on one event loop, beside the connections that they wait for.
///
/// A request's task otherwise hops from Swift's thread pool to the loop of its connection and back, two context switches
/// each time, which cost an operator more than what it does with the answer. On one loop nothing hops, and one thread
/// instead of several holds stacks and memory pools. The price: work that computes for long or blocks its thread holds
/// up everything else. Such work belongs into `withTaskExecutorPreference(globalConcurrentExecutor)`.
public final class EventLoopExecutor: TaskExecutor {
  let loop: any EventLoop

  /// Runs on a loop that outlives every task given to it.
  public init(_ loop: any EventLoop) { self.loop = loop }

  /// On a loop of the group that clients use by default, so that their connections are on the same one: AsyncHTTPClient
  /// opens a connection on the loop that asks for it.
  public static let shared = EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.next())

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
  }
}
