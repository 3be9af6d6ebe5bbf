import Testing

@testable import OperatorRuntime

@Suite struct WorkQueueTests {
  @Test func addedTwiceIsHandedOutOnce() async {
    let queue = WorkQueue<String>(name: "test")
    queue.add("a")
    queue.add("b")
    queue.add("a")
    #expect(queue.depth == 2)
    #expect(await queue.next() == "a")
    #expect(await queue.next() == "b")
    queue.finish("a")
    queue.finish("b")
    #expect(queue.depth == 0)
  }

  @Test func addedWhileProcessingComesAgainAfterwardsOnly() async {
    let queue = WorkQueue<String>(name: "test")
    queue.add("a")
    #expect(await queue.next() == "a")
    queue.add("a")
    queue.add("a")
    #expect(queue.depth == 0)
    queue.finish("a")
    #expect(queue.depth == 1)
    #expect(await queue.next() == "a")
    queue.finish("a")
    #expect(queue.depth == 0)
  }

  @Test func noKeyIsWithTwoWorkersAtOnce() async {
    let queue = WorkQueue<Int>(name: "test")
    let inside = Shared<[Int: Int]>([:])
    let worst = Shared(0)
    let done = Shared(0)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          while let key = await queue.next() {
            let count = inside.update { inside in
              inside[key, default: 0] += 1
              return inside[key] ?? 0
            }
            worst.update { $0 = max($0, count) }
            await Task.yield()
            inside.update { $0[key]? -= 1 }
            done.update { $0 += 1 }
            queue.finish(key)
          }
        }
      }
      for round in 0..<500 {
        queue.add(round % 3)
        if round.isMultiple(of: 10) { await Task.yield() }
      }
      queue.shutDown()
    }
    #expect(worst.value == 1)
    #expect(done.value >= 3)
  }

  @Test func failuresWaitLongerEachTimeUpToTheLimitAndAreForgotten() async {
    let clock = TestClock()
    let queue = WorkQueue<String>(
      name: "test", policy: RequeuePolicy(initial: .milliseconds(5), maximum: .milliseconds(12)), clock: clock)
    for expected in [5, 10, 12, 12] {
      queue.addAfterFailure("a")
      await clock.advance(by: .milliseconds(expected - 1))
      #expect(queue.depth == 0)
      await clock.advance(by: .milliseconds(1))
      #expect(await eventually { queue.depth == 1 })
      #expect(await queue.next() == "a")
      queue.finish("a")
    }
    #expect(queue.failureCount("a") == 4)
    queue.forget("a")
    #expect(queue.failureCount("a") == 0)
  }

  @Test func ofSeveralDelaysTheShortestCounts() async {
    let clock = TestClock()
    let queue = WorkQueue<String>(name: "test", clock: clock)
    queue.add("a", after: .seconds(30))
    queue.add("a", after: .seconds(5))
    queue.add("a", after: .seconds(20))
    await clock.advance(by: .seconds(5))
    #expect(await eventually { queue.depth == 1 })
    #expect(await queue.next() == "a")
    queue.finish("a")
    await clock.advance(by: .seconds(60))
    #expect(queue.depth == 0)
  }

  @Test func shutdownHandsOutWhatIsQueuedThenEnds() async {
    let queue = WorkQueue<String>(name: "test")
    queue.add("a")
    queue.add("late", after: .seconds(60))
    queue.shutDown()
    queue.add("b")
    #expect(await queue.next() == "a")
    let idle = Task { await queue.waitUntilIdle() }
    queue.finish("a")
    await idle.value
    #expect(await queue.next() == nil)
  }

  @Test func cancelledWorkerStopsWaiting() async {
    let queue = WorkQueue<String>(name: "test")
    let worker = Task { await queue.next() }
    worker.cancel()
    #expect(await worker.value == nil)
    queue.add("a")
    #expect(queue.depth == 1)
  }

  @Test func retryDelayStopsGrowingAtItsLimit() {
    let policy = RequeuePolicy()
    #expect(policy.delay(afterFailures: 0) == .milliseconds(5))
    #expect(policy.delay(afterFailures: 3) == .milliseconds(40))
    #expect(policy.delay(afterFailures: 10_000) == .seconds(1000))
  }
}
