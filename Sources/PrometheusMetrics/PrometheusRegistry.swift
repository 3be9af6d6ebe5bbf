public import CoreMetrics
import Synchronization

/// A swift-metrics backend that keeps every metric in memory and writes them in the Prometheus text format 0.0.4.
///
/// Counters become `counter`, meters and non-aggregating recorders `gauge`, aggregating recorders and timers
/// `histogram`. Timers are recorded in seconds, the unit that Prometheus asks for.
///
/// ```swift
/// let registry = PrometheusRegistry()
/// MetricsSystem.bootstrap(registry)
/// ```
public final class PrometheusRegistry: MetricsFactory, Sendable {
  /// The upper bounds that Prometheus's own client libraries use when none are given, in seconds.
  public static let defaultBuckets: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

  private struct State {
    var families: [String: MetricFamily] = [:]
    var help: [String: String] = [:]
    var buckets: [String: [Double]]
  }

  private let defaultBuckets: [Double]
  private let state: Mutex<State>

  /// - Parameters:
  ///   - buckets: Upper bounds of every histogram that has none of its own, ascending, without infinity.
  ///   - bucketsByName: Upper bounds for single metrics.
  public init(buckets: [Double] = PrometheusRegistry.defaultBuckets, bucketsByName: [String: [Double]] = [:]) {
    defaultBuckets = buckets.sorted()
    state = Mutex(State(buckets: bucketsByName.mapValues { $0.sorted() }))
  }

  /// Sets the `# HELP` line of a metric.
  public func describe(_ name: String, _ help: String) {
    state.withLock { $0.help[MetricName.sanitized(name)] = help }
  }

  /// Sets a histogram's upper bounds; series that exist already keep the ones that they have.
  public func setBuckets(_ buckets: [Double], for name: String) {
    state.withLock { $0.buckets[MetricName.sanitized(name)] = buckets.sorted() }
  }

  /// Everything recorded so far in the text exposition format, families and series in a stable order.
  public func exposition() -> String {
    let (families, help) = state.withLock { ($0.families, $0.help) }
    var text = ""
    for (name, family) in families.sorted(by: { $0.key < $1.key }) {
      if let help = help[name] { text += "# HELP \(name) \(MetricName.escapedHelp(help))\n" }
      text += "# TYPE \(name) \(family.kind.rawValue)\n"
      for (labels, metric) in family.series.sorted(by: { $0.key < $1.key }) {
        metric.write(to: &text, name: name, labels: labels)
      }
    }
    return text
  }

  private func metric(_ kind: MetricKind, _ label: String, _ dimensions: [(String, String)]) -> PrometheusMetric {
    let labels = MetricName.labels(dimensions)
    return state.withLock { state in
      var name = MetricName.sanitized(label)
      // One name has one type in the exposition format; a second type under the same name gets a name of its own.
      if let family = state.families[name], family.kind != kind { name += "_\(kind.rawValue)" }
      var family = state.families[name] ?? MetricFamily(kind: kind)
      defer { state.families[name] = family }
      if let known = family.series[labels] { return known }
      let buckets = kind == .histogram ? state.buckets[name] ?? defaultBuckets : []
      let metric = PrometheusMetric(kind: kind, buckets: buckets)
      family.series[labels] = metric
      return metric
    }
  }

  private func remove(_ handler: AnyObject) {
    guard let metric = handler as? PrometheusMetric else { return }
    state.withLock { state in
      for (name, family) in state.families {
        guard let labels = family.series.first(where: { $0.value === metric })?.key else { continue }
        state.families[name]?.series[labels] = nil
        if state.families[name]?.series.isEmpty == true { state.families[name] = nil }
      }
    }
  }
}

extension PrometheusRegistry {
  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    metric(.counter, label, dimensions)
  }

  public func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    metric(.counter, label, dimensions)
  }

  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    metric(.gauge, label, dimensions)
  }

  public func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    metric(aggregate ? .histogram : .gauge, label, dimensions)
  }

  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    metric(.histogram, label, dimensions)
  }

  public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
  public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
  public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
  public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}

struct MetricFamily {
  var kind: MetricKind
  /// By the rendered label set, so that the same labels in another order are the same series.
  var series: [String: PrometheusMetric] = [:]
}
