import OperatorRuntime

/// Which events a written step is worth.
enum ReleaseEvents {
  struct Entry: Equatable {
    var type: EventType
    var reason: String
    var message: String
  }

  /// - Parameter waits: Whether the new step waits for a person or a time; a step that is only passed is not told.
  static func between(_ old: Release, _ new: Release, message: String, waits: Bool) -> [Entry] {
    var entries: [Entry] = []
    // A release that gave way to a newer one is told before the newer one's first step.
    if let record = new.history.first, record != old.history.first {
      let isGood = record.outcome == .succeeded
      let approval = record.approver.map { ", approved by \($0)" } ?? ""
      let reason = record.reason.isEmpty ? "" : ": \(record.reason)"
      entries.append(
        Entry(
          type: isGood || record.outcome == .superseded ? .normal : .warning,
          reason: "Release\(record.outcome.rawValue)",
          message: "release \(record.revision)\(record.image.map { " (\($0))" } ?? "") \(verb(record.outcome))"
            + "\(approval)\(reason)"))
    }
    let isPassed = new.step == .awaitingApproval && !waits
    if old.step != new.step || old.attempt != new.attempt, new.step != .idle, !isPassed {
      let isBad = new.step == .rollingBack && new.ending?.outcome != .superseded
      entries.append(Entry(type: isBad ? .warning : .normal, reason: "Release\(new.step.rawValue)", message: message))
    }
    return entries
  }

  private static func verb(_ outcome: ReleaseOutcome) -> String {
    switch outcome {
    case .succeeded: "succeeded"
    case .failed: "failed"
    case .aborted: "was aborted"
    case .rolledBack: "was rolled back"
    case .superseded: "gave way"
    }
  }
}
