import KubernetesModels

/// What a delete request does to an object (API reference: "Garbage Collection", "Pod termination").
enum Deletion {
  struct Options: Sendable {
    var gracePeriod: Int?
    /// Background, Foreground, Orphan; nil leaves it to the object's finalizers.
    var propagation: String?
    var uid: String?
    var resourceVersion: String?
  }

  enum Outcome: Sendable {
    case remove
    case mark(JSONValue)
  }

  /// Whether a deleting object has nothing left to wait for.
  static func isComplete(_ object: JSONValue, _ info: ResourceInfo) -> Bool {
    guard object.isDeleting, object.finalizers.isEmpty else { return false }
    if info.plural == "namespaces", info.group.isEmpty, !object.itemsAt("spec", "finalizers").isEmpty { return false }
    return (object.intAt("metadata", "deletionGracePeriodSeconds") ?? 0) == 0
  }

  static func decide(_ old: JSONValue, _ info: ResourceInfo, _ options: Options) -> Outcome {
    var object = old
    object.setFinalizers(finalizers(old.finalizers, options.propagation))
    let grace = gracePeriod(old, info, options)
    let namespaceHolds = info.plural == "namespaces" && info.group.isEmpty && !old.itemsAt("spec", "finalizers").isEmpty
    if object.finalizers.isEmpty, grace == 0, !namespaceHolds { return .remove }
    let previousGrace = old.intAt("metadata", "deletionGracePeriodSeconds")
    // A second request can only shorten the time that is left.
    if let previousGrace, previousGrace <= grace, object.finalizers == old.finalizers { return .mark(old) }
    let effective = min(grace, previousGrace ?? grace)
    let deadline = Timestamp.now + .seconds(effective)
    object.set(.string(deadline.description), at: ["metadata", "deletionTimestamp"])
    object.set(.integer(Int64(effective)), at: ["metadata", "deletionGracePeriodSeconds"])
    if old.intAt("metadata", "generation") != nil, !old.isDeleting {
      object.set(.integer(Int64((old.intAt("metadata", "generation") ?? 0) + 1)), at: ["metadata", "generation"])
    }
    if info.plural == "namespaces", info.group.isEmpty {
      object.set("Terminating", at: ["status", "phase"])
      // Only pods terminate gracefully; a namespace just waits for its finalizers.
      object.set(nil, at: ["metadata", "deletionGracePeriodSeconds"])
    }
    return .mark(object)
  }

  /// The dependents' fate is written into finalizers that the garbage collector works off.
  private static func finalizers(_ current: [String], _ propagation: String?) -> [String] {
    guard let propagation else { return current }
    var result = current.filter { $0 != "orphan" && $0 != "foregroundDeletion" }
    if propagation == "Orphan" { result.append("orphan") }
    if propagation == "Foreground" { result.append("foregroundDeletion") }
    return result
  }

  private static func gracePeriod(_ object: JSONValue, _ info: ResourceInfo, _ options: Options) -> Int {
    guard info.plural == "pods", info.group.isEmpty else { return 0 }
    // Nobody runs it, or nothing of it runs any more: no need to wait for a node.
    if object.textAt("spec", "nodeName")?.isEmpty != false { return 0 }
    if ["Succeeded", "Failed"].contains(object.textAt("status", "phase")) { return 0 }
    return max(0, options.gracePeriod ?? object.intAt("spec", "terminationGracePeriodSeconds") ?? 30)
  }
}
