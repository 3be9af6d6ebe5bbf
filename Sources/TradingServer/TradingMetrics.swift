import CoreMetrics
public import PrometheusMetrics
import Synchronization
import TradingCore

/// The server's metrics, under the names of the platform's dashboards and alerts.
public struct TradingMetrics: Sendable {
  private let registry: PrometheusRegistry
  private let requests: RequestSeries
  private let connections: Meter
  private let redisUp: Meter
  private let leader: Meter

  public init(registry: PrometheusRegistry = PrometheusRegistry()) {
    self.registry = registry
    requests = RequestSeries(registry: registry)
    registry.describe("rtx_orders_placed_total", "Orders that were committed and acknowledged by this replica.")
    registry.describe("rtx_order_latency_seconds", "Time from the request to the committed order.")
    registry.describe("rtx_active_connections", "Open WebSocket connections.")
    registry.describe("rtx_redis_up", "1 while prices are shared through Redis, 0 while they are local.")
    registry.describe("rtx_price_feed_leader", "1 on the replica that publishes prices.")
    registry.describe("rtx_http_requests_total", "Finished HTTP requests.")
    registry.describe("rtx_http_request_duration_seconds", "Time to answer HTTP requests.")
    connections = Meter(label: "rtx_active_connections", factory: registry)
    redisUp = Meter(label: "rtx_redis_up", factory: registry)
    leader = Meter(label: "rtx_price_feed_leader", factory: registry)
    connections.set(0)
    setRedis(isUp: false, isLeader: false)
  }

  /// The Prometheus text format.
  func exposition() -> String { registry.exposition() }

  func orderPlaced(symbol: Symbol, type: OrderType, after duration: Duration) {
    Counter(
      label: "rtx_orders_placed_total", dimensions: [("symbol", symbol.name), ("type", type.rawValue)],
      factory: registry
    ).increment()
    Recorder(
      label: "rtx_order_latency_seconds", dimensions: [("symbol", symbol.name)], aggregate: true, factory: registry
    ).record(duration.inSeconds)
  }

  func connectionOpened() { connections.increment() }

  func connectionClosed() { connections.decrement() }

  func setRedis(isUp: Bool, isLeader: Bool) {
    redisUp.set(isUp ? 1 : 0)
    leader.set(isLeader ? 1 : 0)
  }

  func requestFinished(method: String, route: String, status: Int, after duration: Duration) {
    let series = requests[RequestSeries.Key(method: method, route: route, status: status)]
    series.count.increment()
    series.duration.record(duration.inSeconds)
  }
}

/// The series of requests that were seen before: to look one up by its labels costs more than many a request does.
private final class RequestSeries: Sendable {
  struct Key: Hashable {
    let method, route: String
    let status: Int
  }
  private let registry: PrometheusRegistry
  private let known = Mutex<[Key: (count: Counter, duration: Recorder)]>([:])

  init(registry: PrometheusRegistry) { self.registry = registry }

  subscript(key: Key) -> (count: Counter, duration: Recorder) {
    known.withLock { known in
      if let series = known[key] { return series }
      let route = [("method", key.method), ("route", key.route)]
      let series = (
        count: Counter(
          label: "rtx_http_requests_total", dimensions: route + [("status", String(key.status))], factory: registry),
        duration: Recorder(
          label: "rtx_http_request_duration_seconds", dimensions: route, aggregate: true, factory: registry)
      )
      known[key] = series
      return series
    }
  }
}

extension Duration {
  fileprivate var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
