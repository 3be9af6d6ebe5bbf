import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Starts jobs at the times of a schedule.
struct CronJobReconciler: Reconciler {
  let context: WorkloadContext

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let cronJob = context.cronJobs.get(key), let uid = cronJob.metadata.uid, !cronJob.isBeingDeleted else {
      return .done
    }
    let schedule = try await parse(cronJob.spec, cronJob)
    let jobs = context.jobs.list(ownedBy: uid)
    let now = Timestamp.now
    let plan = CronJobPlan(cronJob, schedule: schedule, jobs: jobs, now: now)
    for job in plan.forget + plan.replace { try await context.delete(job, propagation: .background) }
    if let skipped = plan.skipped {
      await context.events.record(
        .warning, regarding: cronJob, reason: skipped.reason, message: skipped.message, action: "Schedule")
    }
    var started: [Job] = []
    if let time = plan.start { started = try await start(cronJob, at: time) }
    let gone = Set((plan.forget + plan.replace).compactMap(\.metadata.uid))
    let remaining = jobs.filter { !($0.metadata.uid.map(gone.contains) ?? false) } + started
    try await context.writeStatus(of: cronJob, Self.status(cronJob, jobs: remaining, started: plan.start))
    return plan.next.map { .requeue(after: max(.seconds(1), $0 - .now)) } ?? .done
  }

  private func parse(_ spec: CronJobSpec, _ cronJob: CronJob) async throws -> CronSchedule {
    do {
      if let zone = spec.timeZone, !["UTC", "Etc/UTC", "GMT", "Etc/GMT"].contains(zone) {
        throw ReconcileError.stalled(
          reason: "UnknownTimeZone", message: "spec.timeZone \(zone): the sandbox knows UTC only; set Etc/UTC")
      }
      return try CronSchedule(parsing: spec.schedule)
    } catch {
      await context.events.record(
        .warning, regarding: cronJob, reason: "InvalidSchedule", message: "\(error)", action: "Schedule")
      throw ReconcileError.stalled(reason: "InvalidSchedule", message: "\(error)")
    }
  }

  private func start(_ cronJob: CronJob, at time: Timestamp) async throws -> [Job] {
    do {
      let job = try await context.client.create(CronJobPlan.job(of: cronJob, at: time))
      await context.events.record(
        .normal, regarding: cronJob, reason: "SuccessfulCreate", message: "Created job \(job.metadata.name ?? "")",
        action: "Create")
      return [job]
    } catch let error as KubernetesError where error.isAlreadyExists {
      return []
    }
  }

  private static func status(
    _ cronJob: CronJob, jobs: [Job], started: Timestamp?
  ) -> KubernetesModels.CronJobStatus {
    let active = jobs.filter { !JobPlan.isFinished($0) }.map { job in
      ObjectReference(
        apiVersion: "batch/v1", kind: "Job", name: job.metadata.name, namespace: job.metadata.namespace,
        resourceVersion: job.metadata.resourceVersion, uid: job.metadata.uid)
    }
    let succeeded = jobs.compactMap(\.status?.completionTime).max()
    return KubernetesModels.CronJobStatus(
      active: active.isEmpty ? nil : active, lastScheduleTime: started ?? cronJob.status?.lastScheduleTime,
      lastSuccessfulTime: [succeeded, cronJob.status?.lastSuccessfulTime].compactMap(\.self).max())
  }
}
