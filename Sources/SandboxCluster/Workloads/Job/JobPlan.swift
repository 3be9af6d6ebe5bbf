import KubernetesModels

/// What a job does next. Pure (Kubernetes: "Jobs").
struct JobPlan {
  enum Ending: Equatable {
    case complete(message: String)
    case failed(reason: String, message: String)
  }

  var create = 0
  var delete: [Pod] = []
  /// Set once: the job is over.
  var ending: Ending?
  /// Nothing is created before this; a failed pod is not replaced at once.
  var retryAt: Timestamp?

  let active: Int
  let ready: Int
  let succeeded: Int
  let failed: Int

  /// The first pause after a failure, doubled with each further one up to six minutes ("Pod backoff failure policy").
  static let firstBackoff = 10
  static let longestBackoff = 360

  init(_ job: Job, pods: [Pod], now: Timestamp) {
    let spec = job.spec
    let living = pods.filter(\.isActive)
    active = living.count
    ready = living.count(where: \.isReady)
    // Pods may be deleted after they ended; what was counted once stays counted.
    succeeded = max(pods.count(where: \.hasSucceeded), job.status?.succeeded ?? 0)
    failed = max(pods.count { $0.hasFailed }, job.status?.failed ?? 0)
    guard job.metadata.deletionTimestamp == nil, !Self.isFinished(job) else { return }
    if spec?.suspend == true {
      delete = living
      return
    }
    ending = Self.ending(job, pods: pods, living: living, succeeded: succeeded, failed: failed, now: now)
    if ending != nil {
      delete = living
      return
    }
    let parallelism = spec?.parallelism ?? 1
    // Without completions one success ends the job: no new pods after it, the running ones may finish.
    let wanted = spec?.completions.map { min(parallelism, $0 - succeeded) } ?? (succeeded > 0 ? active : parallelism)
    if active > wanted {
      delete = Array(living.sorted(by: ReplicaSetPlan.isLessWorthKeeping).prefix(active - max(0, wanted)))
    } else if active < wanted {
      retryAt = Self.retryTime(pods, failed: failed).flatMap { $0 > now ? $0 : nil }
      if retryAt == nil { create = wanted - active }
    }
  }

  static func isFinished(_ job: Job) -> Bool {
    job.status?.conditions?.contains { ["Complete", "Failed"].contains($0.type) && $0.status == "True" } ?? false
  }

  private static func ending(
    _ job: Job, pods: [Pod], living: [Pod], succeeded: Int, failed: Int, now: Timestamp
  ) -> Ending? {
    let spec = job.spec
    let limit = spec?.backoffLimit ?? 6
    let restarts = spec?.template.spec?.restartPolicy == "OnFailure" ? pods.reduce(0) { $0 + $1.restartCount } : 0
    if failed > limit || (restarts > 0 && restarts > limit) {
      return .failed(
        reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit")
    }
    if let deadline = spec?.activeDeadlineSeconds, let start = job.status?.startTime, now - start >= .seconds(deadline)
    {
      return .failed(reason: "DeadlineExceeded", message: "Job was active longer than specified deadline")
    }
    let isComplete = spec?.completions.map { succeeded >= $0 } ?? (succeeded > 0 && living.isEmpty)
    return isComplete ? .complete(message: "Reached expected number of succeeded pods") : nil
  }

  private static func retryTime(_ pods: [Pod], failed: Int) -> Timestamp? {
    let endings = pods.filter(\.hasFailed).compactMap { pod in
      pod.status?.containerStatuses?.compactMap { $0.state?.terminated?.finishedAt }.max()
        ?? pod.metadata.creationTimestamp
    }
    guard failed > 0, let last = endings.max() else { return nil }
    let pause = min(longestBackoff, firstBackoff << min(failed - 1, 10))
    return last + .seconds(pause)
  }

  /// The status after this plan was carried out.
  func status(of job: Job, now: Timestamp) -> KubernetesModels.JobStatus {
    var status = job.status ?? KubernetesModels.JobStatus()
    let isSuspended = job.spec?.suspend == true
    if status.startTime == nil, !isSuspended { status.startTime = now }
    status.active = ending == nil ? active + create - delete.count : 0
    if status.active == 0 { status.active = nil }
    status.ready = ending == nil ? ready : 0
    status.succeeded = succeeded == 0 ? nil : succeeded
    status.failed = failed == 0 ? nil : failed
    status.terminating = status.terminating ?? 0
    status.uncountedTerminatedPods = status.uncountedTerminatedPods ?? UncountedTerminatedPods()
    var conditions = status.conditions ?? []
    func add(_ type: String, _ value: String, _ reason: String, _ message: String) {
      if let index = conditions.firstIndex(where: { $0.type == type }) {
        guard conditions[index].status != value else { return }
        conditions.remove(at: index)
      }
      conditions.append(
        JobCondition(
          lastProbeTime: now, lastTransitionTime: now, message: message, reason: reason, status: value, type: type))
    }
    switch ending {
    case .complete(let message):
      add("SuccessCriteriaMet", "True", "CompletionsReached", message)
      add("Complete", "True", "CompletionsReached", message)
      status.completionTime = now
    case .failed(let reason, let message):
      add("FailureTarget", "True", reason, message)
      add("Failed", "True", reason, message)
    case nil:
      let wasSuspended = conditions.contains { $0.type == "Suspended" && $0.status == "True" }
      if isSuspended, !wasSuspended {
        add("Suspended", "True", "JobSuspended", "Job suspended")
        status.startTime = nil
      } else if !isSuspended, wasSuspended {
        add("Suspended", "False", "JobResumed", "Job resumed")
        status.startTime = now
      }
    }
    status.conditions = conditions.isEmpty ? nil : conditions
    return status
  }
}
