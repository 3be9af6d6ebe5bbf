/// What trading servers have answered since their start, or between two looks.
struct RequestFigures: Sendable, Hashable {
  /// Requests of clients; probes and scrapes are not counted.
  var requests = 0.0
  /// Of these, answered with a status of 500 to 599.
  var failures = 0.0
  /// Answers that took at most so many seconds, by that bound; cumulative, the last bound is infinite.
  var buckets: [Double: Double] = [:]

  private static let probes: Set = ["/health", "/ready", "/metrics"]

  init() {}

  /// From a trading server's `/metrics`.
  init(metrics text: String) {
    for sample in PrometheusText.samples(in: text, where: { $0.hasPrefix("rtx_http_request") })
    where !Self.probes.contains(sample.labels["route"] ?? "") {
      switch sample.name {
      case "rtx_http_requests_total":
        requests += sample.value
        if sample.labels["status"]?.hasPrefix("5") == true { failures += sample.value }
      case "rtx_http_request_duration_seconds_bucket":
        guard let text = sample.labels["le"], let bound = text == "+Inf" ? .infinity : Double(text) else { continue }
        buckets[bound, default: 0] += sample.value
      default: continue
      }
    }
  }

  /// What came after `earlier`. A counter that is smaller than it was began anew with its process.
  func since(_ earlier: RequestFigures) -> RequestFigures {
    guard requests >= earlier.requests, failures >= earlier.failures,
      earlier.buckets.allSatisfy({ buckets[$0.key, default: 0] >= $0.value })
    else { return self }
    var difference = self
    difference.requests -= earlier.requests
    difference.failures -= earlier.failures
    for (bound, count) in earlier.buckets { difference.buckets[bound, default: 0] -= count }
    return difference
  }

  static func + (left: RequestFigures, right: RequestFigures) -> RequestFigures {
    var sum = left
    sum.requests += right.requests
    sum.failures += right.failures
    sum.buckets.merge(right.buckets, uniquingKeysWith: +)
    return sum
  }

  /// From 0 to 100; nil without requests.
  var errorPercent: Double? { requests > 0 ? 100 * failures / requests : nil }

  /// Seconds within which this part of the answers came, as Prometheus' `histogram_quantile` estimates it: evenly spread
  /// within a bucket, and the highest finite bound for what lies beyond it. Nil without answers.
  func quantile(_ part: Double) -> Double? {
    let sorted = buckets.sorted { $0.key < $1.key }
    guard let total = sorted.last?.value, total > 0 else { return nil }
    let rank = part * total
    var (lower, below) = (0.0, 0.0)
    for (bound, count) in sorted {
      if count >= rank {
        guard bound.isFinite, count > below else { return lower }
        return lower + (bound - lower) * (rank - below) / (count - below)
      }
      (lower, below) = (bound, count)
    }
    return lower
  }
}
