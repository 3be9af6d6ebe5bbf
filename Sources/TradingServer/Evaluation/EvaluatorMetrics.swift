import CoreMetrics
public import PrometheusMetrics
import TradingCore

/// What the evaluator tells about itself.
public struct EvaluatorMetrics: Sendable {
  private let registry: PrometheusRegistry
  private let shards: Meter
  private let time: Meter
  private let busy: Meter

  public init(registry: PrometheusRegistry = PrometheusRegistry()) {
    self.registry = registry
    registry.describe("rtx_evaluator_shards", "Shards of accounts that this replica evaluates.")
    registry.describe(
      "rtx_evaluator_tick_timestamp_seconds", "Time of the newest tick that this replica's shards have met.")
    registry.describe("rtx_evaluator_busy_accounts", "Accounts whose triggers are being written.")
    registry.describe(
      "rtx_evaluator_replayed_ticks_total", "Stored ticks that were evaluated late because nobody had done so.")
    registry.describe(
      "rtx_evaluator_lost_seconds_total",
      "Seconds of prices that nobody had evaluated and that were not stored any more.")
    registry.describe("rtx_evaluator_fills_total", "Fills that this replica's evaluator wrote, by reason.")
    shards = Meter(label: "rtx_evaluator_shards", factory: registry)
    time = Meter(label: "rtx_evaluator_tick_timestamp_seconds", factory: registry)
    busy = Meter(label: "rtx_evaluator_busy_accounts", factory: registry)
    shards.set(0)
  }

  func holds(shards count: Int) { shards.set(Int64(count)) }

  func evaluated(through tick: Timestamp, busyAccounts: Int) {
    time.set(Double(tick.milliseconds) / 1_000)
    busy.set(Int64(busyAccounts))
  }

  func replayed(ticks: Int) {
    Counter(label: "rtx_evaluator_replayed_ticks_total", factory: registry).increment(by: Int64(ticks))
  }

  func lost(seconds: Int64) {
    Counter(label: "rtx_evaluator_lost_seconds_total", factory: registry).increment(by: seconds)
  }

  /// The evaluator wrote these.
  func report(_ transactions: [Transaction]) {
    for transaction in transactions {
      if case .orderFill(let fill) = transaction.kind { filled(fill.reason) }
    }
  }

  private func filled(_ reason: FillReason) {
    Counter(label: "rtx_evaluator_fills_total", dimensions: [("reason", reason.rawValue)], factory: registry)
      .increment()
  }
}
