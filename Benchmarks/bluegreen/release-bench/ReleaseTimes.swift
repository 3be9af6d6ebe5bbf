/// One release and one rollback.
struct Cycle: Sendable {
  /// From the write that lets requests move until they all do.
  var switches: [Duration]
  /// The same, back to the version before.
  var rollback: Duration
  /// Releases that ended otherwise than was asked for, and why.
  var unplanned: [String] = []
}

/// What all cycles together took.
struct ReleaseTimes {
  private var switches: [Duration] = []
  private var rollbacks: [Duration] = []
  private var unplanned = 0

  mutating func add(_ cycle: Cycle) {
    switches += cycle.switches
    rollbacks.append(cycle.rollback)
    unplanned += cycle.unplanned.count
  }

  /// `name value` lines, times in seconds.
  var report: String {
    """
    switches \(switches.count)
    switch_p50_s \(seconds(switches, 0.5))
    switch_p99_s \(seconds(switches, 0.99))
    rollbacks \(rollbacks.count)
    rollback_p50_s \(seconds(rollbacks, 0.5))
    rollback_p99_s \(seconds(rollbacks, 0.99))
    unplanned \(unplanned)
    """
  }

  /// The nearest rank.
  private func seconds(_ times: [Duration], _ part: Double) -> Double {
    guard !times.isEmpty else { return 0 }
    let rank = max(1, Int((Double(times.count) * part).rounded(.up)))
    return Double(times.sorted()[rank - 1].milliseconds) / 1000
  }
}

func millisecondsText(_ duration: Duration) -> String { "\(duration.milliseconds) ms" }

extension Duration {
  fileprivate var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
