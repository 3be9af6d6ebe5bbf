import Synchronization
import Testing
import TradingCore

@testable import TradingStore

@Suite struct RedisClusterTests {
  @Test func redirectionsAreRead() {
    #expect(
      RedisRedirection("MOVED 3999 10.0.0.7:6381").map { "\($0.host) \($0.port) \($0.isForOneCommand)" }
        == "10.0.0.7 6381 false")
    #expect(RedisRedirection("ASK 1 ::1:6381")?.host == "::1")
    #expect(RedisRedirection("ASK 1 :6381").map { $0.host.isEmpty && $0.isForOneCommand } == true)
    for text in ["NOAUTH x y:1", "MOVED 3999", "MOVED 3999 host:port", ""] { #expect(RedisRedirection(text) == nil) }
  }

  /// Two masters with half of the slots each: whichever is asked, the keys are found and every subscriber hears.
  @Test func pricesAreSharedThroughACluster() async throws {
    let nodes = [try RedisServer(isClustered: true), try RedisServer(isClustered: true)]
    for (number, node) in nodes.enumerated() {
      try await node.waitUntilReady()
      let admin = RedisConnection()
      try await admin.open(node.settings)
      try await admin.command(["CLUSTER", "ADDSLOTSRANGE"] + (number == 0 ? ["0", "8191"] : ["8192", "16383"]))
      try await admin.command(["CONFIG", "SET", "cluster-require-full-coverage", "no"])
      if number == 1 {
        let first = nodes[0].settings
        try await admin.command(["CLUSTER", "MEET", first.host, String(first.port), String(nodes[0].busPort)])
      }
      await admin.close()
    }
    let snapshot = SimulatedPriceProcess(seed: 1, instruments: InstrumentCatalog.standard.instruments)
      .initial(at: Timestamp(milliseconds: 5))
    for node in nodes {
      let connection = RedisConnection()
      try await connection.open(node.settings)
      let exchange = PriceExchange(connection: connection, replica: "one")
      try await eventually("the lead is taken through \(node.settings.port)") {
        (try? await exchange.join(shown: nil).isLeader) == true
      }
      await connection.close()
    }
    let heard = Heard()
    let listeners = nodes.map { node in
      Task { await PriceSubscription(settings: node.settings).run { _ in heard.add(node.settings.port) } }
    }
    let connection = RedisConnection()
    try await connection.open(nodes[0].settings)
    let exchange = PriceExchange(connection: connection, replica: "one")
    let sequence = Counter()
    try await eventually("both nodes' subscribers hear") {
      let next = sequence.next()
      let later = PriceSnapshot(
        sequence: next, time: Timestamp(milliseconds: 5 + next), quotes: snapshot.quotes)
      _ = try await exchange.join(shown: nil)
      _ = try await exchange.publish(later)
      return heard.ports == Set(nodes.map(\.settings.port))
    }
    for listener in listeners { listener.cancel() }
    await connection.close()
  }
}

/// Which nodes' subscribers have heard something.
private final class Heard: Sendable {
  private let value = Mutex<Set<Int>>([])
  var ports: Set<Int> { value.withLock { $0 } }
  func add(_ port: Int) { value.withLock { _ = $0.insert(port) } }
}

private final class Counter: Sendable {
  private let value = Atomic<Int64>(0)
  func next() -> Int64 { value.add(1, ordering: .relaxed).newValue }
}
