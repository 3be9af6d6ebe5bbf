import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite struct JobPlanTests {
  let now = Timestamp(secondsSinceEpoch: 1_000_000)

  func job(completions: Int? = 1, parallelism: Int = 1, backoffLimit: Int = 6) -> Job {
    Job(
      metadata: ObjectMeta(name: "j", namespace: "ns", uid: "j"),
      spec: JobSpec(
        backoffLimit: backoffLimit, completions: completions, parallelism: parallelism,
        template: PodTemplateSpec(spec: PodSpec(containers: [Container(name: "c")], restartPolicy: "Never"))))
  }

  func pod(_ phase: String, endedAgo: Int = 1000) -> Pod {
    var pod = Pod(metadata: ObjectMeta(name: "p\(Int.random(in: 0..<1_000_000))", namespace: "ns"))
    pod.metadata.creationTimestamp = now + .seconds(-endedAgo)
    pod.status = KubernetesModels.PodStatus(phase: phase)
    return pod
  }

  @Test func runsUpToItsParallelismUntilAllAreDone() {
    #expect(JobPlan(job(completions: 5, parallelism: 2), pods: [], now: now).create == 2)
    let almost = JobPlan(job(completions: 3, parallelism: 2), pods: [pod("Succeeded"), pod("Succeeded")], now: now)
    #expect(almost.create == 1)
    let all = JobPlan(job(completions: 2, parallelism: 2), pods: [pod("Succeeded"), pod("Succeeded")], now: now)
    #expect(all.ending == .complete(message: "Reached expected number of succeeded pods"))
    let status = all.status(of: job(completions: 2), now: now)
    #expect(status.succeeded == 2)
    #expect(status.completionTime == now)
    #expect(status.conditions?.map(\.type) == ["SuccessCriteriaMet", "Complete"])
  }

  @Test func withoutCompletionsOneSuccessEndsIt() {
    #expect(
      JobPlan(job(completions: nil, parallelism: 3), pods: [pod("Succeeded"), pod("Running")], now: now).create == 0)
    #expect(JobPlan(job(completions: nil, parallelism: 3), pods: [pod("Succeeded")], now: now).ending != nil)
  }

  @Test func failuresAreRetriedAfterAPauseAndThenEndIt() {
    let early = JobPlan(job(), pods: [pod("Failed", endedAgo: 2)], now: now)
    #expect(early.create == 0)
    #expect(early.retryAt == now + .seconds(8))
    #expect(JobPlan(job(), pods: [pod("Failed", endedAgo: 11)], now: now).create == 1)
    let failed = JobPlan(job(backoffLimit: 1), pods: [pod("Failed"), pod("Failed"), pod("Running")], now: now)
    #expect(
      failed.ending == .failed(reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit"))
    #expect(failed.delete.count == 1)
  }

  @Test func deadlineEndsIt() {
    var late = job()
    late.spec?.activeDeadlineSeconds = 60
    late.status = KubernetesModels.JobStatus(startTime: now + .seconds(-60))
    guard case .failed(let reason, _) = JobPlan(late, pods: [pod("Running")], now: now).ending else {
      Issue.record("did not fail")
      return
    }
    #expect(reason == "DeadlineExceeded")
  }

  @Test func suspendedJobHasNoPods() {
    var suspended = job()
    suspended.spec?.suspend = true
    let plan = JobPlan(suspended, pods: [pod("Running")], now: now)
    #expect(plan.delete.count == 1)
    #expect(plan.create == 0)
    #expect(plan.status(of: suspended, now: now).conditions?.first?.type == "Suspended")
  }
}
