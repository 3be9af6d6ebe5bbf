import NIOCore
import NIOSSL

/// Carries out its share of the requests. It runs on an event loop of its own, together with its connections, so that a
/// request costs no change of thread.
actor LoadWorker {
  /// One request of the schedule.
  struct Arrival {
    let number: Int
    /// When it is meant to start.
    let due: NIODeadline
    let operation: Operation
  }

  nonisolated let loop: any EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

  let options: LoadOptions
  let writer: OrderWriter
  /// Of each target one for each source.
  let pools: [[ConnectionPool]]
  var generator: SplitMix64
  var result = WorkerResult()
  /// Market orders so far, for each account.
  var turns: [Int]
  /// Limit orders that wait on the server, as indices of records.
  var resting = CircularBuffer<Int>()
  var lastAcknowledged: Int?
  var acknowledged = 0
  /// Which of the `count` workers this is.
  private let index: Int
  private let count: Int
  private var running = 0
  private var whenDone: CheckedContinuation<Void, Never>?
  private var isStopping = false

  init(
    options: LoadOptions, writer: OrderWriter, loop: any EventLoop, index: Int, count: Int, tls: NIOSSLContext?
  ) {
    self.options = options
    self.writer = writer
    self.loop = loop
    self.index = index
    self.count = count
    generator = SplitMix64(seed: options.arrivals.seed &+ UInt64(index) &* 0x9e37_79b9)
    turns = Array(repeating: 0, count: writer.accounts.count)
    let sources = options.sources.isEmpty ? [nil] : options.sources.map { Optional($0) }
    let limit = max(1, options.connections / count / sources.count)
    pools = options.targets.map { target in
      sources.map {
        ConnectionPool(target: target, loop: loop, limit: limit, source: $0, tls: target.isSecure ? tls : nil)
      }
    }
  }

  /// Where the worker stands.
  var progress: (sent: Int, acknowledged: Int, troubles: Int) {
    (result.records.count, acknowledged, result.troubles.values.reduce(0, +))
  }

  /// Starts every request of its share at its moment, and returns when all have ended.
  func run(from start: NIODeadline) async {
    var operations = SplitMix64(seed: ~options.arrivals.seed)
    for (number, offset) in options.arrivals.enumerated() {
      let operation = options.mix.operation(at: Double.random(in: 0..<1, using: &operations))
      guard number % count == index else { continue }
      let arrival = Arrival(number: number, due: start + .nanoseconds(offset), operation: operation)
      if arrival.due > .now() { await sleep(until: arrival.due) }
      if isStopping { break }
      launch { worker in await worker.carryOut(arrival, start: start) }
    }
    if running > 0 { await withCheckedContinuation { whenDone = $0 } }
  }

  /// Starts nothing more.
  func stop() { isStopping = true }

  /// Lets go of the connections.
  func close() {
    for pool in pools.joined() { pool.close() }
  }

  /// Runs something beside the schedule; `run` waits for it.
  func launch(_ body: @escaping @Sendable (isolated LoadWorker) async -> Void) {
    running += 1
    Task {
      await body(self)
      running -= 1
      if running == 0 {
        whenDone?.resume()
        whenDone = nil
      }
    }
  }

  private func carryOut(_ arrival: Arrival, start: NIODeadline) async {
    result.lag.record(nanoseconds: (.now() - arrival.due).nanoseconds)
    let isAnswered: Bool =
      switch arrival.operation {
      case .order: await placeMarket(arrival)
      case .limit: await placeLimit(arrival)
      case .cancel: await cancelOldest(arrival)
      default: await isAnswered(read(arrival), arrival)
      }
    let now = NIODeadline.now()
    result.elapsed = max(result.elapsed, (now - start).nanoseconds)
    if isAnswered {
      result.latencies[arrival.operation, default: .init()].record(nanoseconds: (now - arrival.due).nanoseconds)
    } else {
      result.failures[arrival.operation, default: 0] += 1
    }
  }

  /// Whether a request that is sent once gets a good answer.
  func isAnswered(_ request: Request, _ arrival: Arrival) async -> Bool {
    let deadline = NIODeadline.now() + .nanoseconds(options.attemptTimeout.nanoseconds)
    guard
      case .success(let answer) = await exchange(
        request, target: arrival.number, account: arrival.number, until: deadline)
    else {
      return false
    }
    if (200..<300).contains(answer.status) { return true }
    if !answer.isTransient { result.troubles["\(answer.problem) to \(arrival.operation.rawValue)", default: 0] += 1 }
    return false
  }

  /// One try at one target, from the address of the account, both counted around; troubles are counted.
  func exchange(
    _ request: Request, target: Int, account: Int, until deadline: NIODeadline
  ) async -> Result<Answer, ExchangeError> {
    let limit = min(options.attemptTimeout.nanoseconds, max(1_000_000, (deadline - .now()).nanoseconds))
    let pool = pools[target % pools.count][account % pools[0].count]
    let answer = await pool.exchange(request, timeout: .nanoseconds(limit), isolation: self)
    switch answer {
    case .success(let answer) where answer.isTransient: result.troubles[answer.problem, default: 0] += 1
    case .failure(let error): result.troubles[error.rawValue, default: 0] += 1
    default: break
    }
    return answer
  }

  /// On the loop's own timer: finer than the tasks' clock, and without a change of thread.
  func sleep(until deadline: NIODeadline) async {
    await withCheckedContinuation { continuation in
      _ = loop.scheduleTask(deadline: deadline) { continuation.resume() }
    }
  }
}
