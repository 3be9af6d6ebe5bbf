import KubernetesClient
import KubernetesModels

/// Fields of an object belong to someone else, and the apply was told not to take them.
public struct OwnershipConflict: RetryClassifiable, CustomStringConvertible, Equatable {
  public struct Field: Sendable, Equatable {
    /// As the server names it, e.g. `.spec.replicas`.
    public var path: String
    /// The field manager that owns it, e.g. `kubectl-edit`.
    public var manager: String
  }

  public var object: String
  public var fields: [Field]

  /// Nil when the error is another kind of conflict.
  init?(_ error: KubernetesError, type: ResourceType, key: ObjectKey) {
    let causes = error.status?.details?.causes ?? []
    fields = causes.filter { $0.reason == "FieldManagerConflict" }.map { cause in
      Field(path: cause.field ?? "", manager: Self.manager(in: cause.message ?? ""))
    }
    guard !fields.isEmpty else { return nil }
    object = "\(type.kind) \(key)"
  }

  /// `conflict with "kubectl-edit" using v1` → `kubectl-edit`.
  private static func manager(in message: String) -> String {
    let parts = message.split(separator: "\"", omittingEmptySubsequences: false)
    return parts.count > 1 ? String(parts[1]) : message
  }

  public var disposition: ReconcileDisposition { .stalled(reason: "OwnershipConflict", message: description) }

  public var description: String {
    let list = fields.map { "\($0.path) is owned by \($0.manager)" }.joined(separator: ", ")
    return "\(object): \(list); let that manager give the field up, or allow the operator to take it over"
  }
}
