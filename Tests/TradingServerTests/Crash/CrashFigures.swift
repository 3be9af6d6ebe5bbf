import Synchronization
import TradingLoad

/// What became of the orders of all rounds, for whoever reads the log.
struct CrashFigures {
  let line: String

  init(_ what: String, _ reports: [LoadReport]) {
    func sum(_ value: (OrderFigures) -> Int) -> Int { reports.reduce(0) { $0 + value($1.orders) } }
    line =
      "crash matrix, \(what): \(reports.count) rounds, \(sum(\.sent)) orders sent, \(sum(\.acknowledged)) acknowledged, "
      + "\(sum(\.found)) found, \(sum { $0.lost.count }) lost, \(sum { $0.doubled.count }) doubled, "
      + "\(sum { $0.differing.count }) answered differently, \(sum(\.retried)) sent again, \(sum(\.resolved)) of these after the "
      + "end, \(sum(\.unknown)) unknown"
  }
}

/// How long shards were without a holder, from the kill on.
final class TakeOvers: Sendable {
  private let durations = Mutex<[Duration]>([])

  func add(_ duration: Duration) { durations.withLock { $0.append(duration) } }

  var worst: Duration { durations.withLock { $0.max() ?? .zero } }

  var line: String {
    let sorted = durations.withLock { $0.sorted() }
    guard let last = sorted.last else { return "no take-over" }
    let within = sorted.count { $0 <= .seconds(2) }
    return "\(sorted.count) take-overs, median \(sorted[sorted.count / 2]), worst \(last), \(within) within 2 s"
  }
}
