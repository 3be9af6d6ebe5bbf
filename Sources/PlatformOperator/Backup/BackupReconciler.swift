import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Schedules the dump and says how the last one went.
struct BackupReconciler: ComponentReconciler {
  let component = PlatformComponent.backup

  func reconcile(_ context: PlatformContext) async throws -> ComponentReport {
    let platform = context.platform
    guard platform.spec.backup.enabled else {
      try await context.writer.reconcile(.backup, [])
      return ComponentReport(condition: .available("dumps are disabled by spec.backup.enabled", .disabled))
    }
    let objects = BackupObjects(platform: platform)
    try await context.ensureClaim(
      objects.claim, path: "spec.backup.storage.size", wanted: platform.spec.backup.storage.size)
    try await context.writer.reconcile(.backup, objects.objects)
    let name = platform.objectName(.backup)
    let cronJob = context.informers.cronJobs.get(name, in: platform.namespace)
    let jobs = context.informers.jobs.list { job in
      job.metadata.namespace == platform.namespace && job.controllingOwner?.name == name
    }
    return ComponentReport(condition: Self.condition(platform, cronJob, jobs)) { status in
      status.backup = BackupStatus(
        lastScheduleTime: cronJob?.status?.lastScheduleTime, lastSuccessfulTime: cronJob?.status?.lastSuccessfulTime)
    }
  }

  static func condition(_ platform: RTXPlatform, _ cronJob: CronJob?, _ jobs: [Job]) -> ComponentCondition {
    let ended = jobs.compactMap { job -> (job: Job, failed: Bool)? in
      let verdict = job.status?.conditions?.first { ["Complete", "Failed"].contains($0.type) && $0.status == "True" }
      return verdict.map { (job, $0.type == "Failed") }
    }
    let last = ended.max { a, b in
      (a.job.metadata.creationTimestamp ?? .distantPast) < (b.job.metadata.creationTimestamp ?? .distantPast)
    }
    guard let last else {
      return .available("the first dump is due by the schedule '\(platform.spec.backup.schedule)'", .scheduled)
    }
    let name = last.job.metadata.name ?? ""
    return last.failed
      ? .progressing(.dumpFailed, "the last dump failed; see kubectl logs job/\(name)")
      : .available("the last dump, \(name), is proven", .succeeded)
  }
}

extension Timestamp {
  /// Before every time that an API server gives.
  fileprivate static var distantPast: Timestamp { Timestamp(secondsSinceEpoch: 0) }
}
