import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Runs pods until enough of them have succeeded.
struct JobReconciler: Reconciler {
  let context: WorkloadContext
  let pods: PodControl

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let job = context.jobs.get(key), let uid = job.metadata.uid else { return .done }
    let now = Timestamp.now
    if JobPlan.isFinished(job) { return try await expire(job, now: now) }
    guard !job.isBeingDeleted else { return .done }
    guard let owned = pods.current(ownedBy: uid) else { return .requeue(after: .milliseconds(50)) }
    let plan = JobPlan(job, pods: owned, now: now)

    var failure: (any Error)?
    do {
      for pod in plan.delete { try await pods.delete(pod, for: job) }
      if plan.create > 0, let template = job.spec?.template {
        let labels = Self.labels(of: job, uid: uid)
        try await pods.create(
          (0..<plan.create).map { _ in Pod(from: template, owner: job, labels: labels) }, for: job)
      }
    } catch {
      failure = error
    }
    try await context.writeStatus(of: job, plan.status(of: job, now: now))
    if let failure { throw failure }
    await announce(plan.ending, job)
    return Self.wake(job, plan, now: now).map { .requeue(after: $0) } ?? .done
  }

  /// The labels that `kubectl logs job/…` and the job's own selector look for.
  static func labels(of job: Job, uid: String) -> [String: String] {
    let name = job.metadata.name ?? ""
    return [
      "batch.kubernetes.io/controller-uid": uid, "controller-uid": uid, "batch.kubernetes.io/job-name": name,
      "job-name": name,
    ]
  }

  private func announce(_ ending: JobPlan.Ending?, _ job: Job) async {
    switch ending {
    case .complete:
      await context.events.record(
        .normal, regarding: job, reason: "Completed", message: "Job completed", action: "Complete")
    case .failed(let reason, let message):
      await context.events.record(.warning, regarding: job, reason: reason, message: message, action: "Fail")
    case nil: break
    }
  }

  /// `ttlSecondsAfterFinished`.
  private func expire(_ job: Job, now: Timestamp) async throws -> ReconcileResult {
    guard let seconds = job.spec?.ttlSecondsAfterFinished, !job.isBeingDeleted else { return .done }
    let finished = job.status?.conditions?.first { ["Complete", "Failed"].contains($0.type) && $0.status == "True" }
    guard let since = finished?.lastTransitionTime else { return .done }
    let left = since + .seconds(seconds) - now
    if left > .zero { return .requeue(after: left) }
    try await context.delete(job, propagation: .foreground)
    return .done
  }

  private static func wake(_ job: Job, _ plan: JobPlan, now: Timestamp) -> Duration? {
    guard plan.ending == nil else { return .milliseconds(500) }
    var times: [Duration] = []
    if let retry = plan.retryAt { times.append(retry - now) }
    if let deadline = job.spec?.activeDeadlineSeconds {
      times.append((job.status?.startTime ?? now) + .seconds(deadline) - now)
    }
    return times.min().map { max(.milliseconds(200), $0) }
  }
}
