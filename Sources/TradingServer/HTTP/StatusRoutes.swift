import HTTPTypes
import Hummingbird
import Synchronization
import TradingStore

/// Whether the process is going down, or its clients are to go elsewhere while it stays.
final class Readiness: Sendable {
  private let draining = Atomic<Bool>(false)
  private let standby = Mutex<ContinuousClock.Instant?>(nil)

  var isDraining: Bool { draining.load(ordering: .acquiring) }

  func beginDraining() { draining.store(true, ordering: .releasing) }

  /// Whether clients are to open their next connection to another replica.
  var sendsClientsAway: Bool { isDraining || standby.withLock { $0.map { $0 > .now } ?? false } }

  /// Until then this replica is ready and answers, and asks those whom it answers to connect elsewhere.
  func sendClientsAway(until end: ContinuousClock.Instant) { standby.withLock { $0 = end } }
}

/// For probes and scrapers.
struct StatusRoutes: Sendable {
  let reader: LedgerReader
  let board: MarketBoard
  let metrics: TradingMetrics
  let readiness: Readiness

  func register(on router: some RouterMethods<TradingContext>) {
    // Alive is alive, whatever the state of the database: a restart would not repair that.
    router.get("/health") { _, _ in Response.json(bytes: #"{"status":"ok"}"#.utf8) }
    router.get("/ready") { _, _ in try await self.ready() }
    // Before the WebSocket's own code, which takes requests with the headers for it.
    router.get("/ws") { _, _ -> Response in
      throw APIError(
        .upgradeRequired, "upgrade_required", "/ws speaks WebSocket only",
        remedy: "connect with a WebSocket client (Upgrade: websocket, version 13)")
    }
    router.get("/metrics") { _, _ in
      Response(
        status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: .init(byteBuffer: .init(string: metrics.exposition())))
    }
  }

  private func ready() async throws -> Response {
    struct Part: Encodable {
      let status: String
      var detail: String?
    }
    struct Report: Encodable {
      let status: String
      let database, prices: Part
      let reasons: [String]
    }
    let obstacle = await reader.obstacle(deadline: .now + .seconds(2))
    var reasons = obstacle.map { ["database: \($0)"] } ?? []
    if readiness.isDraining { reasons.append("this replica is shutting down") }
    if board.latest == nil { reasons.append("there are no prices yet") }

    let prices: Part =
      switch board.source {
      case _ where board.problem != nil: Part(status: "degraded", detail: board.problem)
      case .shared(let isLeader):
        Part(status: "ok", detail: "shared through Redis, \(isLeader ? "leading" : "following")")
      // Orders can still be placed, so a lost Redis does not take the replica out of service.
      case .local(let reason): Part(status: "degraded", detail: "local prices: \(reason)")
      }
    let report = Report(
      status: reasons.isEmpty ? "ready" : "not ready",
      database: Part(status: obstacle == nil ? "ok" : "unavailable", detail: obstacle), prices: prices,
      reasons: reasons)
    return try .json(report, status: reasons.isEmpty ? .ok : .serviceUnavailable)
  }
}
