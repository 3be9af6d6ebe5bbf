import OperatorTestKit
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

@Suite struct WorkQueueStateTests {
  static func drain(_ queue: inout WorkQueueState<String>) -> [String] {
    var order: [String] = []
    while let key = queue.take() {
      order.append(key)
      _ = queue.finish(key)
    }
    return order
  }

  @Test func changesComeBeforeResyncs() {
    var queue = WorkQueueState<String>()
    for key in ["r1", "r2", "r3"] { _ = queue.add(key, priority: .resync) }
    for key in ["c1", "c2"] { _ = queue.add(key, priority: .change) }
    _ = queue.add("u", priority: .urgent)
    #expect(Self.drain(&queue) == ["u", "c1", "c2", "r1", "r2", "r3"])
  }

  @Test func keyRisesButDoesNotSink() {
    var queue = WorkQueueState<String>()
    _ = queue.add("a", priority: .resync)
    _ = queue.add("b", priority: .resync)
    #expect(queue.add("b", priority: .change) == false)
    #expect(queue.add("b", priority: .resync) == false)
    #expect(queue.depth == 2)
    #expect(queue.depth(.resync) == 1)
    #expect(Self.drain(&queue) == ["b", "a"])
  }

  @Test func lowPriorityIsNotStarvedByAStreamOfChanges() {
    var queue = WorkQueueState<String>()
    _ = queue.add("patient", priority: .resync)
    _ = queue.add("c0", priority: .change)
    var turns = 0
    while let key = queue.take() {
      _ = queue.finish(key)
      if key == "patient" { break }
      turns += 1
      _ = queue.add("c\(turns)", priority: .change)
    }
    #expect(turns == WorkQueueState<String>.turnsBeforeLower)
  }

  @Test func busyKeyDoesNotStarveOthersOfItsPriority() {
    var queue = WorkQueueState<String>()
    for key in ["busy", "a", "b", "c"] { _ = queue.add(key) }
    var order: [String] = []
    for _ in 0..<6 {
      guard let key = queue.take() else { break }
      order.append(key)
      // It changes again while it is being processed, each time.
      if key == "busy" { _ = queue.add(key) }
      _ = queue.finish(key)
    }
    #expect(order == ["busy", "a", "b", "c", "busy", "busy"])
  }

  @Test func addedWhileProcessingKeepsTheHighestPriorityAskedFor() {
    var queue = WorkQueueState<String>()
    _ = queue.add("a")
    #expect(queue.take() == "a")
    #expect(queue.add("a", priority: .resync) == true)
    #expect(queue.add("a", priority: .urgent) == false)
    #expect(queue.add("a", priority: .change) == false)
    _ = queue.add("b", priority: .change)
    #expect(queue.depth == 1)
    #expect(queue.finish("a") == true)
    #expect(Self.drain(&queue) == ["a", "b"])
  }

  @Test func manyKeysComeOutOnceEachHoweverTheyMove() {
    for seed in 0..<50 {
      var random = SeededGenerator(seed: UInt64(seed))
      var queue = WorkQueueState<String>()
      for _ in 0..<500 {
        _ = queue.add(
          "\(Int.random(in: 0..<200, using: &random))",
          priority: WorkPriority.allCases.randomElement(using: &random) ?? .change)
      }
      let depth = queue.depth
      let order = Self.drain(&queue)
      #expect(order.count == depth)
      #expect(Set(order).count == depth)
      #expect(queue.isIdle)
    }
  }
}

@Suite struct DelayedKeysTests {
  @Test func earlierWinsAndPriorityRises() {
    var delayed = DelayedKeys<String>()
    #expect(delayed.add("a", at: .seconds(30), priority: .resync) == true)
    #expect(delayed.add("a", at: .seconds(5), priority: .resync) == true)
    #expect(delayed.add("a", at: .seconds(20), priority: .change) == false)
    #expect(delayed.count == 1)
    #expect(delayed.next == .seconds(5))
    #expect(delayed.due(at: .seconds(4)).isEmpty)
    let due = delayed.due(at: .seconds(5))
    #expect(due.map(\.key) == ["a"])
    #expect(due.map(\.priority) == [.change])
    // The later entries of the same key are no second wait.
    #expect(delayed.due(at: .seconds(100)).isEmpty)
  }

  @Test func dueInTheOrderOfDeadlines() {
    for seed in 0..<50 {
      var random = SeededGenerator(seed: UInt64(seed))
      var delayed = DelayedKeys<Int>()
      var expected: [Int: Duration] = [:]
      for _ in 0..<300 {
        let key = Int.random(in: 0..<100, using: &random)
        let deadline = Duration.milliseconds(Int.random(in: 0..<1000, using: &random))
        _ = delayed.add(key, at: deadline, priority: .change)
        expected[key] = min(expected[key] ?? deadline, deadline)
      }
      var seen: [Int: Duration] = [:]
      for step in 0...1000 {
        for due in delayed.due(at: .milliseconds(step)) { seen[due.key] = .milliseconds(step) }
      }
      #expect(seen == expected)
    }
  }
}
