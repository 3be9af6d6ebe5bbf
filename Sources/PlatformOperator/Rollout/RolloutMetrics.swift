import CoreMetrics
import OperatorRuntime

/// What releases do, under Argo Rollouts' names behind `rtx_` where it has one: `rollout_info` with the step as its phase,
/// `rollout_events_total` by type and reason.
struct RolloutMetrics: Sendable {
  let factory: any MetricsFactory

  init(factory: any MetricsFactory = MetricsSystem.factory) { self.factory = factory }

  func record(_ platform: ObjectKey, _ release: Release) {
    for step in ReleaseStep.allCases {
      Gauge(label: "rtx_rollout_info", dimensions: dimensions(platform) + [("phase", step.rawValue)], factory: factory)
        .record(step == release.step ? 1 : 0)
    }
    Gauge(label: "rtx_rollout_failed", dimensions: dimensions(platform), factory: factory)
      .record(release.failure == nil ? 0 : 1)
  }

  func count(_ platform: ObjectKey, _ entry: ReleaseEvents.Entry) {
    Counter(
      label: "rtx_rollout_events_total",
      dimensions: dimensions(platform) + [("type", entry.type.rawValue), ("reason", entry.reason)], factory: factory
    ).increment()
  }

  func forget(_ platform: ObjectKey) {
    for step in ReleaseStep.allCases {
      Gauge(label: "rtx_rollout_info", dimensions: dimensions(platform) + [("phase", step.rawValue)], factory: factory)
        .destroy()
    }
    Gauge(label: "rtx_rollout_failed", dimensions: dimensions(platform), factory: factory).destroy()
  }

  private func dimensions(_ platform: ObjectKey) -> [(String, String)] {
    [("name", platform.name), ("namespace", platform.namespace ?? "")]
  }
}
