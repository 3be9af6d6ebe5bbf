import InMemoryTracing
import Instrumentation
import KubernetesClient
import KubernetesModels
import Logging
import OperatorTestKit
import PrometheusMetrics
import Testing
import Tracing

@testable import OperatorRuntime

@Suite struct ControllerTests {
  let clock = TestClock()
  let calls = Calls()

  struct Calls {
    private let count = Shared(0)
    var value: Int { count.value }
    func add() -> Int {
      count.update { count in
        count += 1
        return count
      }
    }
  }

  func start(
    timeout: Duration = .seconds(60), _ body: @escaping @Sendable (Int) async throws -> ReconcileResult
  ) -> (Controller, Task<Void, any Error>) {
    var quiet = Logger(label: "test")
    quiet.logLevel = .critical
    let calls = calls
    let controller = Controller(
      name: "test", reconciler: ClosureReconciler { _ in try await body(calls.add()) }, timeout: timeout,
      logger: quiet, clock: clock)
    controller.enqueue(ObjectKey(namespace: "ns", name: "a"))
    return (controller, Task { try await controller.run() })
  }

  @Test func errorsAreRetriedWithGrowingPauses() async {
    let (_, task) = start { call in
      if call < 4 { throw ReconcileError.retry("not yet") }
      return .done
    }
    defer { task.cancel() }
    #expect(await eventually { calls.value == 1 })
    // 5, 10 and 20 ms.
    await clock.advance(by: .milliseconds(34))
    #expect(calls.value == 3)
    await clock.advance(by: .milliseconds(1))
    #expect(await eventually { calls.value == 4 })
    await clock.advance(by: .seconds(3600))
    #expect(calls.value == 4)
  }

  @Test(arguments: [
    ReconcileError.waitForChange(reason: "NoSecret", message: "secret is missing"),
    ReconcileError.stalled(reason: "InvalidSpec", message: "spec.x: too big; make it smaller"),
  ])
  func waitingAndStalledAreNotRetried(_ error: ReconcileError) async {
    let (controller, task) = start { _ in throw error }
    defer { task.cancel() }
    #expect(await eventually { calls.value == 1 })
    await clock.advance(by: .seconds(7200))
    #expect(calls.value == 1)
    // A change still wakes it.
    controller.enqueue(ObjectKey(namespace: "ns", name: "a"))
    #expect(await eventually { calls.value == 2 })
  }

  @Test func requeueComesAfterItsTime() async {
    let (_, task) = start { call in call == 1 ? .requeue(after: .seconds(30)) : .done }
    defer { task.cancel() }
    #expect(await eventually { calls.value == 1 })
    await clock.advance(by: .seconds(29))
    #expect(calls.value == 1)
    await clock.advance(by: .seconds(1))
    #expect(await eventually { calls.value == 2 })
  }

  @Test func reconcileThatHangsIsCancelledAndRetried() async {
    let (_, task) = start(timeout: .seconds(10)) { [clock] call in
      if call == 1 { try await clock.sleep(until: clock.now.advanced(by: .seconds(100_000)), tolerance: nil) }
      return .done
    }
    defer { task.cancel() }
    #expect(await eventually { calls.value == 1 })
    await clock.advance(by: .seconds(11))
    #expect(await eventually { calls.value == 2 })
  }

  @Test func stopLetsTheRunningReconcileFinish() async throws {
    let finished = Shared(false)
    let (controller, task) = start { [clock] _ in
      try await clock.sleep(until: clock.now.advanced(by: .seconds(5)), tolerance: nil)
      finished.update { $0 = true }
      return .done
    }
    #expect(await eventually { calls.value == 1 })
    controller.stop()
    await clock.advance(by: .seconds(5))
    try await task.value
    #expect(finished.value)
  }

  @Test func errorWithWaitsOfItsOwnUsesThem() async {
    struct Missing: RetryClassifiable {
      var disposition: ReconcileDisposition {
        .retryGrowing(RequeuePolicy(initial: .seconds(10), maximum: .seconds(15)))
      }
    }
    let (_, task) = start { call in
      if call < 4 { throw Missing() }
      return .done
    }
    defer { task.cancel() }
    #expect(await eventually { calls.value == 1 })
    for (wait, count) in [(10, 2), (15, 3), (15, 4)] {
      await clock.advance(by: .milliseconds(wait * 1000 - 1))
      #expect(calls.value == count - 1)
      await clock.advance(by: .milliseconds(1))
      #expect(await eventually { calls.value == count })
    }
  }

  @Test func serversAnswerDecidesWhenToTryAgain() {
    func refusal(_ code: Int, _ reason: String, retryAfter: Int? = nil) -> KubernetesError {
      .api(Status(code: code, details: retryAfter.map { StatusDetails(retryAfterSeconds: $0) }, reason: reason))
    }
    #expect(ReconcileDisposition(of: refusal(409, "Conflict")) == .retry())
    #expect(ReconcileDisposition(of: refusal(500, "InternalError")) == .retry())
    #expect(ReconcileDisposition(of: refusal(403, "Forbidden")) == .retryGrowing(.slow))
    #expect(ReconcileDisposition(of: refusal(422, "Invalid")) == .retryGrowing(.slow))
    #expect(ReconcileDisposition(of: refusal(429, "TooManyRequests", retryAfter: 7)) == .retry(after: .seconds(7)))
    #expect(
      ReconcileDisposition(of: refusal(429, "TooManyRequests", retryAfter: 1_000_000)) == .retry(after: .seconds(300)))
    #expect(ReconcileDisposition(of: DeadlineExceeded(limit: .seconds(1))) == .retry())
  }

  @Test func timeoutReachesTheRequestThatHangs() async throws {
    let faults = FaultInjector(FakeServer())
    faults.isCut = true
    let client = KubernetesClient(transport: faults)
    let reached = Shared(false)
    let (_, task) = start(timeout: .seconds(10)) { call in
      guard call == 1 else { return .done }
      do {
        _ = try await client.get(ConfigMap.self, "a", in: "ns")
      } catch is CancellationError {
        reached.update { $0 = true }
        throw CancellationError()
      }
      return .done
    }
    defer { task.cancel() }
    #expect(await eventually { !faults.requests.isEmpty })
    await clock.advance(by: .seconds(11))
    #expect(await eventually { calls.value == 2 })
    #expect(reached.value)
  }

  @Test func everyReconcileIsASpan() async throws {
    let (_, task) = start { call in
      if call == 1 { throw ReconcileError.retry("not yet") }
      return .done
    }
    defer { task.cancel() }
    #expect(await eventually { calls.value == 1 })
    await clock.advance(by: .milliseconds(5))
    #expect(await eventually { calls.value == 2 })
    let mine = { @Sendable in
      Self.tracer.finishedSpans.filter { $0.attributes["k8s.object.name"]?.toSpanAttribute() == "a" }
    }
    #expect(await eventually { mine().count >= 2 })
    #expect(mine().contains { !$0.errors.isEmpty })
  }

  @Test func metricsBearControllerRuntimesNames() async throws {
    let registry = PrometheusRegistry()
    let (clock, calls) = (clock, calls)
    let controller = Controller(
      name: "demo",
      reconciler: ClosureReconciler { _ in
        if calls.add() == 1 { throw ReconcileError.retry("not yet") }
        try await clock.sleep(until: clock.now.advanced(by: .seconds(40)), tolerance: nil)
        return .requeue(after: .seconds(600))
      }, workers: 3, metrics: registry, clock: clock)
    controller.enqueue(ObjectKey(namespace: "ns", name: "a"))
    let task = Task { try await controller.run() }
    defer { task.cancel() }
    #expect(await eventually { calls.value == 1 })
    await clock.advance(by: .milliseconds(5))
    #expect(await eventually { calls.value == 2 })
    await clock.advance(by: .seconds(30))
    controller.refreshMetrics()
    let during = registry.exposition()
    for line in [
      #"controller_runtime_active_workers{controller="demo"} 1"#,
      #"controller_runtime_max_concurrent_reconciles{controller="demo"} 3"#,
      #"controller_runtime_reconcile_errors_total{controller="demo"} 1"#,
      #"controller_runtime_reconcile_total{controller="demo",result="error"} 1"#,
      #"controller_runtime_terminal_reconcile_errors_total{controller="demo"} 0"#,
      #"controller_runtime_reconcile_panics_total{controller="demo"} 0"#,
      #"workqueue_depth{controller="demo",name="demo"} 0"#,
      #"workqueue_adds_total{controller="demo",name="demo"} 2"#,
      #"workqueue_retries_total{controller="demo",name="demo"} 1"#,
      #"workqueue_unfinished_work_seconds{controller="demo",name="demo"} 30"#,
      #"workqueue_longest_running_processor_seconds{controller="demo",name="demo"} 30"#,
    ] { #expect(during.contains(line + "\n"), "\(line)") }
    await clock.advance(by: .seconds(10))
    #expect(await eventually { registry.exposition().contains(#"result="requeue_after"} 1"#) })
    for name in [
      "controller_runtime_reconcile_time_seconds_count{controller=\"demo\"} 2",
      "workqueue_queue_duration_seconds_bucket",
      "workqueue_work_duration_seconds_sum",
    ] { #expect(registry.exposition().contains(name), "\(name)") }
  }

  /// The tracer is the process's.
  static let tracer: InMemoryTracer = {
    let tracer = InMemoryTracer()
    InstrumentationSystem.bootstrap(tracer)
    return tracer
  }()

  init() { _ = Self.tracer }
}
