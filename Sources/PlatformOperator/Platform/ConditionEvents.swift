import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Which events a new status is worth: one for each condition whose status changed.
enum ConditionEvents {
  struct Entry: Equatable {
    var type: EventType
    var reason: String
    var message: String
    var action: String
  }

  static func between(_ old: RTXPlatformStatus?, _ new: RTXPlatformStatus) -> [Entry] {
    (new.conditions ?? []).compactMap { condition in
      let before = old?.conditions?.first { $0.type == condition.type }
      guard before?.status != condition.status, condition.type != ConditionType.reconciling.rawValue else { return nil }
      let isStalled = condition.type == ConditionType.stalled.rawValue
      // "Not stalled" and "not ready yet" at the beginning are no news.
      if before == nil, condition.status == "False" { return nil }
      if isStalled, condition.status == "False" { return nil }
      let isGood = condition.status == "True" && !isStalled
      return Entry(
        type: isGood ? .normal : .warning, reason: isGood ? condition.type : condition.reason,
        message: condition.message.isEmpty ? condition.type : condition.message, action: "Reconcile")
    }
  }
}
