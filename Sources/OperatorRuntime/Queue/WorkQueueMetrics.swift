import CoreMetrics

/// The work-queue metrics, with the names that controller-runtime gives them, so that existing dashboards fit.
struct WorkQueueMetrics: Sendable {
  let depth: Gauge
  let adds: Counter
  let retries: Counter
  let queueDuration: Timer
  let workDuration: Timer
  private let unfinishedWork: Gauge
  private let longestRunning: Gauge

  init(name: String, factory: any MetricsFactory) {
    let labels = [("name", name), ("controller", name)]
    depth = Gauge(label: "workqueue_depth", dimensions: labels, factory: factory)
    adds = Counter(label: "workqueue_adds_total", dimensions: labels, factory: factory)
    retries = Counter(label: "workqueue_retries_total", dimensions: labels, factory: factory)
    queueDuration = Timer(label: "workqueue_queue_duration_seconds", dimensions: labels, factory: factory)
    workDuration = Timer(label: "workqueue_work_duration_seconds", dimensions: labels, factory: factory)
    unfinishedWork = Gauge(label: "workqueue_unfinished_work_seconds", dimensions: labels, factory: factory)
    longestRunning = Gauge(
      label: "workqueue_longest_running_processor_seconds", dimensions: labels, factory: factory)
  }

  /// - Parameter ages: For how long each key that is being processed has been so.
  func recordRunning(_ ages: [Duration]) {
    unfinishedWork.record(ages.reduce(0) { $0 + $1.seconds })
    longestRunning.record(ages.map(\.seconds).max() ?? 0)
  }
}

extension Duration {
  var seconds: Double { self / .seconds(1) }
}

extension Timer {
  func record(duration: Duration) {
    let (seconds, attoseconds) = duration.components
    recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}
