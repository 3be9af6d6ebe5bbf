public import KubernetesModels

/// The conditions of a status, by the rules of the Kubernetes API conventions ("Typical status properties"): one of a
/// type, and a transition time that tells when the status changed, not when somebody looked.
extension Array where Element == Condition {
  /// The condition of this type.
  public subscript(type: String) -> Condition? { first { $0.type == type } }

  /// Whether the condition of this type is there and true.
  public func isTrue(_ type: String) -> Bool { self[type]?.status == ConditionStatus.isTrue.rawValue }

  /// Sets the condition of a type. The transition time moves only when the status changes.
  /// - Parameters:
  ///   - reason: A CamelCase word that programs can match.
  ///   - message: A sentence for people.
  ///   - observedGeneration: The `metadata.generation` that this was concluded from.
  /// - Returns: Whether anything changed, so that the status has to be written.
  @discardableResult
  public mutating func set(
    _ type: String, _ status: ConditionStatus, reason: String, message: String, observedGeneration: Int?,
    now: Timestamp = .now
  ) -> Bool {
    let index = firstIndex { $0.type == type }
    let known = index.map { self[$0] }
    let since = known.flatMap { $0.status == status.rawValue ? $0.lastTransitionTime : nil } ?? now
    let wanted = Condition(
      lastTransitionTime: since, message: message, observedGeneration: observedGeneration.map { .init($0) },
      reason: reason, status: status.rawValue, type: type)
    guard wanted != known else { return false }
    if let index { self[index] = wanted } else { append(wanted) }
    return true
  }

  /// Takes the condition of a type away.
  /// - Returns: Whether there was one.
  @discardableResult
  public mutating func remove(_ type: String) -> Bool {
    let before = count
    removeAll { $0.type == type }
    return count != before
  }
}
