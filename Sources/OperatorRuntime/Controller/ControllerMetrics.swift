import CoreMetrics

/// The controller metrics, with controller-runtime's names and label values.
struct ControllerMetrics: Sendable {
  enum Result: String, CaseIterable {
    case success, error, requeue
    case requeueAfter = "requeue_after"
  }

  let errors: Counter
  let terminalErrors: Counter
  let timeouts: Counter
  let time: Timer
  let active: Meter
  private let results: [Result: Counter]

  init(controller: String, workers: Int, factory: any MetricsFactory) {
    let labels = [("controller", controller)]
    let prefix = "controller_runtime_"
    errors = Counter(label: prefix + "reconcile_errors_total", dimensions: labels, factory: factory)
    terminalErrors = Counter(label: prefix + "terminal_reconcile_errors_total", dimensions: labels, factory: factory)
    timeouts = Counter(label: prefix + "reconcile_timeouts_total", dimensions: labels, factory: factory)
    time = Timer(label: prefix + "reconcile_time_seconds", dimensions: labels, factory: factory)
    active = Meter(label: prefix + "active_workers", dimensions: labels, factory: factory)
    // Always zero: a trap ends a Swift process. Dashboards that ask for it find it.
    _ = Counter(label: prefix + "reconcile_panics_total", dimensions: labels, factory: factory)
    Gauge(label: prefix + "max_concurrent_reconciles", dimensions: labels, factory: factory).record(workers)
    results = Dictionary(
      uniqueKeysWithValues: Result.allCases.map { result in
        let labels = labels + [("result", result.rawValue)]
        return (result, Counter(label: prefix + "reconcile_total", dimensions: labels, factory: factory))
      })
  }

  func count(_ result: Result) {
    results[result]?.increment()
  }
}
