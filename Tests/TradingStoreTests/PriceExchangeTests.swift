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

    #expect(try await one.tryToLead() == (true, nil))
    #expect(try await one.publish(snapshot))
    #expect(try await two.tryToLead() == (false, snapshot))
    #expect(try await two.publish(process.next(after: snapshot, at: snapshot.time)) == false)
    #expect(try await one.tryToLead() == (true, snapshot), "the follower's prices were not stored")

    try await one.resign()
    #expect(try await two.tryToLead() == (true, snapshot))
    #expect(try await one.publish(snapshot) == false)
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
        _ = try await leader.tryToLead()
        snapshot = PriceSnapshot(
          sequence: max(snapshot.sequence + 1, target), time: snapshot.time, quotes: snapshot.quotes)
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
