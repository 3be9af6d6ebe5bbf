import Synchronization
import Testing
import TradingCore

@testable import TradingStore

/// The newest sequence number that was received.
private final class Latest: Sendable {
  private let value = Mutex<Int64>(-1)

  var sequence: Int64 {
    get { value.withLock { $0 } }
    set { value.withLock { $0 = newValue } }
  }
}

@Suite struct PriceExchangeTests {
  private let process = SimulatedPriceProcess(seed: 1, instruments: InstrumentCatalog.standard.instruments)

  private func mark(_ sequence: Int64, _ time: Int64) -> PriceMark {
    PriceMark(sequence: sequence, time: Timestamp(milliseconds: time))
  }

  private func connect(_ server: RedisServer, as replica: String) async throws -> PriceExchange {
    let connection = RedisConnection()
    try await connection.open(server.settings)
    return PriceExchange(connection: connection, replica: replica)
  }

  @Test func onlyTheLeaderPublishesAndASuccessorGoesOnFromItsPrices() async throws {
    let server = try RedisServer(password: "pass word")
    try await server.waitUntilReady()
    let (one, two) = (try await connect(server, as: "one"), try await connect(server, as: "two"))
    let snapshot = process.initial(at: Timestamp(milliseconds: 5))

    #expect(try await one.join(shown: nil) == .init(isLeader: true, latest: nil, mark: mark(-1, 0)))
    #expect(try await one.publish(snapshot) == .published)
    #expect(try await two.join(shown: nil) == .init(isLeader: false, latest: snapshot, mark: mark(0, 5)))
    #expect(try await two.publish(process.next(after: snapshot, at: snapshot.time)) == .notLeading)
    #expect(try await one.join(shown: nil).latest == snapshot, "the follower's prices were not stored")

    #expect(try await two.recent() == [snapshot])

    try await one.resign()
    #expect(try await two.join(shown: nil) == .init(isLeader: true, latest: snapshot, mark: mark(0, 5)))
    #expect(try await one.publish(snapshot) == .notLeading)
    #expect(try await two.keepLead())
    #expect(try await !one.keepLead())
  }

  @Test func nothingIsPublishedThatIsOlderThanWhatAnyReplicaHasShown() async throws {
    let server = try RedisServer()
    try await server.waitUntilReady()
    let (one, two) = (try await connect(server, as: "one"), try await connect(server, as: "two"))
    func snapshot(_ sequence: Int64, _ time: Int64) -> PriceSnapshot {
      PriceSnapshot(sequence: sequence, time: Timestamp(milliseconds: time), quotes: [])
    }
    _ = try await one.join(shown: nil)
    #expect(try await one.publish(snapshot(7, 700)) == .published)
    #expect(try await one.publish(snapshot(7, 800)) == .behind(mark(7, 700)))
    #expect(try await one.publish(snapshot(8, 700)) == .behind(mark(7, 700)))
    #expect(
      try await two.join(shown: mark(40, 900)) == .init(isLeader: false, latest: snapshot(7, 700), mark: mark(40, 900)))
    #expect(try await two.join(shown: mark(9, 80)).mark == mark(40, 900))
    #expect(try await one.publish(snapshot(8, 1_000)) == .behind(mark(40, 900)))
    #expect(try await one.publish(snapshot(41, 901)) == .published)
    // A clock that is years ahead is not followed; the sequence is.
    #expect(try await two.join(shown: mark(50, 9_000_000_000_000)).mark == mark(50, 901))
  }

  @Test func subscribersReceiveTicksAndComeBackAfterALoss() async throws {
    let server = try RedisServer()
    try await server.waitUntilReady()
    let board = Latest()
    let task = Task {
      await PriceSubscription(settings: server.settings).run { board.sequence = $0.sequence }
    }
    defer { task.cancel() }

    var snapshot = process.initial(at: Timestamp(milliseconds: 0))
    for round in 0..<2 {
      let leader = try await connect(server, as: "leader")
      let target = Int64(100 * round)
      try await eventually("a tick of round \(round) arrives") {
        _ = try await leader.join(shown: nil)
        snapshot = PriceSnapshot(
          sequence: max(snapshot.sequence + 1, target),
          time: Timestamp(milliseconds: snapshot.time.milliseconds + 1), quotes: snapshot.quotes)
        _ = try await leader.publish(snapshot)
        return board.sequence >= target
      }
      server.crash()
      try await server.restart()
    }
  }

  @Test func aWrongPasswordIsRefusedAndNotRepeatedInTheError() async throws {
    let server = try RedisServer(password: "right")
    try await eventually("Redis refuses the password") {
      var settings = server.settings
      settings.password = Secret("wrong-hunter2")
      let connection = RedisConnection()
      do {
        try await connection.open(settings)
      } catch {
        await connection.close()
        guard case RedisError.refused(let message) = error else { return false }
        return !message.contains("hunter2")
      }
      return false
    }
  }

  @Test func secretsDoNotPrint() {
    let settings = PostgresSettings(host: "h", database: "d", user: "u", password: Secret("hunter2"))
    var dumped = ""
    dump(settings, to: &dumped)
    #expect(!"\(settings)".contains("hunter2") && !dumped.contains("hunter2"))
  }
}
