public import KubernetesModels

/// How far an object's controller has come, as kstatus reads it: what `kubectl wait`, Flux and Argo CD conclude.
///
/// For types whose conditions are those of kstatus: `Ready`, `Reconciling` and `Stalled`.
public enum Progress: Sendable, Hashable {
  /// As asked for.
  case current
  /// On the way.
  case inProgress(reason: String, message: String)
  /// The user has to act.
  case failed(reason: String, message: String)
  /// Being deleted.
  case terminating

  /// - Parameters:
  ///   - metadata: Of the object.
  ///   - observedGeneration: `status.observedGeneration`.
  ///   - conditions: `status.conditions`.
  public init(metadata: ObjectMeta, observedGeneration: Int?, conditions: [Condition]) {
    let message = { (type: String) in (conditions[type]?.reason ?? "", conditions[type]?.message ?? "") }
    if metadata.deletionTimestamp != nil {
      self = .terminating
    } else if let generation = metadata.generation, (observedGeneration ?? 0) < generation {
      self = .inProgress(reason: "NotObserved", message: "generation \(generation) was not looked at yet")
    } else if conditions.isTrue("Stalled") {
      self = .failed(reason: message("Stalled").0, message: message("Stalled").1)
    } else if conditions.isTrue("Reconciling") {
      self = .inProgress(reason: message("Reconciling").0, message: message("Reconciling").1)
    } else if let ready = conditions["Ready"], ready.status != ConditionStatus.isTrue.rawValue {
      self = .inProgress(reason: ready.reason, message: ready.message)
    } else {
      self = .current
    }
  }
}

extension Array where Element == Condition {
  /// Sets `Ready`, `Reconciling` and `Stalled` as kstatus expects them together: abnormal ones are there only while true.
  /// - Returns: Whether anything changed.
  @discardableResult
  public mutating func set(
    _ progress: Progress, observedGeneration: Int?, now: Timestamp = .now
  ) -> Bool {
    var changed = false
    func put(_ type: String, _ status: ConditionStatus, _ reason: String, _ message: String) {
      if set(
        type, status, reason: reason, message: message, observedGeneration: observedGeneration, now: now)
      {
        changed = true
      }
    }
    switch progress {
    case .current: put("Ready", .isTrue, "Ready", "as asked for")
    case .inProgress(let reason, let message), .failed(let reason, let message):
      put("Ready", .isFalse, reason, message)
    case .terminating: put("Ready", .isFalse, "Terminating", "is being deleted")
    }
    if case .inProgress(let reason, let message) = progress {
      put("Reconciling", .isTrue, reason, message)
    } else if remove("Reconciling") {
      changed = true
    }
    if case .failed(let reason, let message) = progress {
      put("Stalled", .isTrue, reason, message)
    } else if remove("Stalled") {
      changed = true
    }
    return changed
  }
}
