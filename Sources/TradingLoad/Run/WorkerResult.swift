/// What one worker, or all of them together, have seen.
struct WorkerResult: Sendable {
  /// From the intended start to the final answer, for requests that were answered.
  var latencies: [Operation: LatencyHistogram] = [:]
  /// Requests without a good answer.
  var failures: [Operation: Int] = [:]
  /// Answers that said nothing and connections that were lost, retried or not.
  var troubles: [String: Int] = [:]
  /// How late requests left: what the driver itself adds to the latencies.
  var lag = LatencyHistogram()
  var records: [OrderRecord] = []
  /// Client order ids that got answers of different bytes.
  var differing: Set<String> = []
  /// Nanoseconds from the start to the last answer.
  var elapsed: Int64 = 0

  mutating func merge(_ other: WorkerResult) {
    for (operation, histogram) in other.latencies { latencies[operation, default: .init()].merge(histogram) }
    failures.merge(other.failures, uniquingKeysWith: +)
    troubles.merge(other.troubles, uniquingKeysWith: +)
    lag.merge(other.lag)
    records += other.records
    differing.formUnion(other.differing)
    elapsed = max(elapsed, other.elapsed)
  }
}
