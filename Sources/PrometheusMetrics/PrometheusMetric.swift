import CoreMetrics
import Synchronization

/// The metric types of the text exposition format that this backend writes.
enum MetricKind: String {
  case counter, gauge, histogram
}

/// One series: a number for counters and gauges, cumulative buckets for histograms.
final class PrometheusMetric: Sendable {
  private struct Value {
    var number = 0.0
    var sum = 0.0
    var counts: [UInt64]
  }

  private let kind: MetricKind
  private let buckets: [Double]
  private let value: Mutex<Value>

  init(kind: MetricKind, buckets: [Double]) {
    self.kind = kind
    self.buckets = buckets
    // One count for each bound and one for +Inf.
    value = Mutex(Value(counts: Array(repeating: 0, count: buckets.count + 1)))
  }

  private func add(_ amount: Double) {
    value.withLock { $0.number += amount }
  }

  private func observe(_ sample: Double) {
    value.withLock { value in
      guard kind == .histogram else {
        value.number = sample
        return
      }
      value.sum += sample
      value.counts[buckets.firstIndex { sample <= $0 } ?? buckets.count] += 1
    }
  }

  func write(to text: inout String, name: String, labels: String) {
    let current = value.withLock { $0 }
    guard kind == .histogram else {
      text += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(MetricName.number(current.number))\n"
      return
    }
    let prefix = labels.isEmpty ? "" : labels + ","
    var cumulative: UInt64 = 0
    for (index, count) in current.counts.enumerated() {
      cumulative += count
      let bound = index < buckets.count ? MetricName.number(buckets[index]) : "+Inf"
      text += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(cumulative)\n"
    }
    let suffix = labels.isEmpty ? "" : "{\(labels)}"
    text += "\(name)_sum\(suffix) \(MetricName.number(current.sum))\n"
    text += "\(name)_count\(suffix) \(cumulative)\n"
  }
}

extension PrometheusMetric: CounterHandler, FloatingPointCounterHandler {
  func increment(by amount: Int64) { add(Double(amount)) }
  func increment(by amount: Double) { add(amount) }
  func reset() { value.withLock { $0.number = 0 } }
}

extension PrometheusMetric: RecorderHandler, MeterHandler, TimerHandler {
  func record(_ sample: Int64) { observe(Double(sample)) }
  func record(_ sample: Double) { observe(sample) }
  func set(_ sample: Int64) { observe(Double(sample)) }
  func set(_ sample: Double) { observe(sample) }
  func decrement(by amount: Double) { add(-amount) }
  func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1_000_000_000) }
}
