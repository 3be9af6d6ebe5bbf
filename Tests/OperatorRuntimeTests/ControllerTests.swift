import Logging
import Testing

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
}
