import KubernetesModels
import OperatorRuntime

/// What a cron job does now, and when to look again. Pure (Kubernetes: "CronJob").
struct CronJobPlan {
  /// The time to start a job for.
  var start: Timestamp?
  /// Running jobs that a new one takes the place of (`concurrencyPolicy: Replace`).
  var replace: [Job] = []
  /// Finished jobs beyond the history limits.
  var forget: [Job] = []
  var next: Timestamp?
  /// A start that was due and is not made: why.
  var skipped: (reason: String, message: String)?

  init(_ cronJob: CronJob, schedule: CronSchedule, jobs: [Job], now: Timestamp) {
    let spec = cronJob.spec
    forget = Self.surplus(
      jobs, succeeded: spec.successfulJobsHistoryLimit ?? 3, failed: spec.failedJobsHistoryLimit ?? 1)
    guard !(spec.suspend ?? false), cronJob.metadata.deletionTimestamp == nil else { return }
    next = schedule.next(after: now.secondsSinceEpoch).map(Timestamp.init(secondsSinceEpoch:))
    guard let due = Self.lastDue(cronJob, schedule, now: now) else { return }
    if let limit = spec.startingDeadlineSeconds, now - due > .seconds(limit) {
      skipped = ("MissSchedule", "Missed scheduled time to start a job: \(due)")
      return
    }
    if jobs.contains(where: { $0.metadata.name == Self.jobName(cronJob, due) }) { return }
    let running = jobs.filter { !JobPlan.isFinished($0) && $0.metadata.deletionTimestamp == nil }
    switch spec.concurrencyPolicy {
    case "Forbid" where !running.isEmpty:
      skipped = (
        "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid"
      )
    case "Replace":
      replace = running
      start = due
    default: start = due
    }
  }

  /// The newest time that has passed and that no job was started for; earlier ones are not made up for.
  private static func lastDue(_ cronJob: CronJob, _ schedule: CronSchedule, now: Timestamp) -> Timestamp? {
    var earliest = cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp ?? now
    if let limit = cronJob.spec.startingDeadlineSeconds {
      earliest = max(earliest, now + Duration.seconds(-Int64(limit)))
    }
    // After a long pause thousands may have passed, and only the last one counts: look close to now first.
    for days in [2, 32, 400] {
      let start = max(earliest.secondsSinceEpoch, now.secondsSinceEpoch - Int64(days) * CivilTime.secondsPerDay)
      if let due = last(schedule, after: start, upTo: now.secondsSinceEpoch) { return due }
      if start == earliest.secondsSinceEpoch { return nil }
    }
    return nil
  }

  private static func last(_ schedule: CronSchedule, after start: Int64, upTo end: Int64) -> Timestamp? {
    var due: Int64?
    while let next = schedule.next(after: due ?? start), next <= end { due = next }
    return due.map(Timestamp.init(secondsSinceEpoch:))
  }

  /// Named by the minute, so that one time never starts two jobs.
  static func jobName(_ cronJob: CronJob, _ time: Timestamp) -> String {
    "\(cronJob.metadata.name ?? "")-\(time.secondsSinceEpoch / 60)"
  }

  static func job(of cronJob: CronJob, at time: Timestamp) -> Job {
    let template = cronJob.spec.jobTemplate
    var annotations = template.metadata?.annotations ?? [:]
    annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] = time.description
    return Job(
      metadata: ObjectMeta(
        annotations: annotations, labels: template.metadata?.labels, name: jobName(cronJob, time),
        namespace: cronJob.metadata.namespace, ownerReferences: OwnerReference(controlling: cronJob).map { [$0] }),
      spec: template.spec)
  }

  private static func surplus(_ jobs: [Job], succeeded: Int, failed: Int) -> [Job] {
    func finished(_ type: String) -> [Job] {
      jobs.filter { job in
        job.metadata.deletionTimestamp == nil
          && job.status?.conditions?.contains { $0.type == type && $0.status == "True" } ?? false
      }
      .sorted(by: isOlder)
    }
    return finished("Complete").dropLast(max(0, succeeded)) + finished("Failed").dropLast(max(0, failed))
  }

  private static func isOlder(_ left: Job, _ right: Job) -> Bool {
    let epoch = Timestamp(secondsSinceEpoch: 0)
    return (left.metadata.creationTimestamp ?? epoch, left.metadata.name ?? "")
      < (right.metadata.creationTimestamp ?? epoch, right.metadata.name ?? "")
  }
}
