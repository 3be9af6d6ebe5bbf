import Testing

@testable import TradingLoad

@Suite struct LoadRunTests {
  /// 100 orders within a tenth of a second; every tenth is a faulty one.
  private func report(
    _ fault: FaultyServer.Fault, change: (inout LoadOptions) -> Void = { _ in }
  ) async throws -> LoadReport {
    let server = FaultyServer(fault)
    let report = try await server.run { port in
      var options = LoadOptions(
        targets: [try #require(Target("127.0.0.1:\(port)"))],
        arrivals: ArrivalSchedule(rate: 1_000, duration: .milliseconds(100), spacing: .uniform, seed: 1), prefix: "t")
      options.repeatPercent = 0
      change(&options)
      return try await LoadRun(options).run()
    }
    #expect(report.orders.sent == 100)
    #expect(server.requests >= 100)
    return report
  }

  private let tens = (0..<10).map { "t-\($0 * 10)" }.sorted()

  @Test func aHonestServerIsSound() async throws {
    let report = try await report(.none) { $0.repeatPercent = 50 }
    #expect(report.verdict == .sound)
    #expect(report.orders.acknowledged == 100)
    #expect(report.orders.found == 100)
    #expect((20...80).contains(report.orders.retried))
    #expect(report.endpoints.map(\.endpoint) == ["POST /api/orders (market)"])
    #expect(report.endpoints.map(\.answered) == [100])
    #expect(report.troubles.isEmpty)
  }

  /// What servers do that send their clients away is no trouble.
  @Test func theLastAnswerOfAConnectionCounts() async throws {
    let report = try await report(.endsConnections)
    #expect(report.verdict == .sound)
    #expect(report.orders.acknowledged == 100)
    #expect(report.orders.retried == 0)
    #expect(report.troubles.isEmpty)
  }

  @Test(arguments: [
    (FaultyServer.Fault.answersUnknown, "HTTP 503 outcome_unknown"), (.cutsConnection, "connection lost"),
  ]) func unknownOutcomesAreResolvedByTheSameId(fault: FaultyServer.Fault, trouble: String) async throws {
    let report = try await report(fault)
    #expect(report.verdict == .sound)
    #expect(report.orders.acknowledged == 100)
    #expect(report.orders.retried == 10)
    #expect(report.troubles == [trouble: 10])
  }

  @Test func lostOrdersAreNamed() async throws {
    let report = try await report(.loses)
    #expect(report.orders.lost.sorted() == tens)
    #expect(report.verdict == .broken)
    #expect(report.table.contains("BROKEN"))
  }

  @Test func doubledOrdersAreNamed() async throws {
    let report = try await report(.doubles)
    #expect(report.orders.doubled.sorted() == tens)
    #expect(report.verdict == .broken)
  }

  @Test func ordersThatWereRefusedAndAreThereAreNamed() async throws {
    let report = try await report(.contradicts)
    #expect(report.orders.contradicted.sorted() == tens)
    #expect(report.orders.refused == 10)
    #expect(report.verdict == .broken)
  }

  @Test func anotherAnswerToTheSameIdIsNoticed() async throws {
    let report = try await report(.answersDifferently) { $0.repeatPercent = 100 }
    #expect(report.orders.differing == tens)
    #expect(report.verdict == .broken)
  }

  @Test func ordersWithoutAnAnswerStayUnknownAndAreLookedUp() async throws {
    let report = try await report(.keepsSilent) {
      $0.orderDeadline = .milliseconds(300)
      $0.settleLimit = .seconds(2)
    }
    #expect(report.orders.unknown == 10)
    #expect(report.orders.acknowledged == 90)
    #expect(report.orders.found == 100)
    #expect(report.verdict == .unresolved)
  }

  @Test func retriesGoToTheServerThatAnswers() async throws {
    // Nobody listens on port 1.
    let report = try await report(.none) { $0.targets.append(Target("127.0.0.1:1") ?? $0.targets[0]) }
    #expect(report.verdict == .sound)
    #expect(report.orders.acknowledged == 100)
    #expect(report.troubles["cannot connect", default: 0] >= 50)
  }

  @Test func latencyCountsFromTheIntendedStart() async throws {
    // One connection, so that requests wait for each other; sending them at once must show in the latencies.
    let report = try await report(.none) {
      $0.connections = 1
      $0.threads = 1
      $0.arrivals = ArrivalSchedule(rate: 1e9, duration: .nanoseconds(100), spacing: .uniform, seed: 1)
    }
    let endpoint = try #require(report.endpoints.first)
    #expect(endpoint.maxMs > endpoint.p50Ms * 1.2)
    #expect(report.seconds * 1_000 <= endpoint.maxMs * 1.05)
  }

  @Test func aRunOutlastsItsTokens() async throws {
    let server = FaultyServer(tokenLifetime: 1)
    let report = try await server.run { port in
      var options = LoadOptions(
        targets: [try #require(Target("127.0.0.1:\(port)"))],
        arrivals: ArrivalSchedule(rate: 40, duration: .milliseconds(2_500), spacing: .uniform, seed: 1), prefix: "t")
      options.credentials = LoadOptions.Credentials(login: "alice", password: "correct horse")
      options.accounts = ["alice"]
      return try await LoadRun(options).run()
    }
    #expect(report.verdict == .sound)
    #expect(report.orders.sent == 100 && report.orders.acknowledged == 100 && report.orders.refused == 0)
    #expect(report.troubles.isEmpty)
    #expect(server.tokens >= 3)
  }

  @Test func aWrongPasswordIsNamed() async throws {
    try await FaultyServer(tokenLifetime: 1).run { port in
      var options = LoadOptions(
        targets: [try #require(Target("127.0.0.1:\(port)"))],
        arrivals: ArrivalSchedule(rate: 1, duration: .seconds(1), spacing: .uniform, seed: 1), prefix: "t")
      options.credentials = LoadOptions.Credentials(login: "alice", password: "wrong")
      await #expect { try await LoadRun(options).run() } throws: { error in
        error as? LoadError
          == .refused("alice cannot log in: HTTP 401 wrong_credentials; check --login and RTX_PASSWORD")
      }
    }
  }

  @Test func aServerThatIsNotThereIsNamed() async throws {
    let options = LoadOptions(
      targets: [try #require(Target("127.0.0.1:1"))],
      arrivals: ArrivalSchedule(rate: 1, duration: .seconds(1), spacing: .uniform, seed: 1), prefix: "t")
    await #expect { try await LoadRun(options, patience: .milliseconds(200)).run() } throws: { error in
      error as? LoadError == .unreachable("no answer from http://127.0.0.1:1: cannot connect")
    }
  }
}
