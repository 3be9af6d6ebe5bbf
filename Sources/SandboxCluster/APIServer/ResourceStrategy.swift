import KubernetesModels

/// What is particular to a kind: the hand-written half of its behaviour (the generic registry of the real server calls
/// the same hooks).
protocol ResourceStrategy: Sendable {
  /// The format of `metadata.name`.
  func nameError(_ name: String) -> String?
  /// Fills what the server fills when it reads an object; idempotent.
  func applyDefaults(_ object: inout JSONValue)
  /// Sets what only the server may set on a new object.
  func prepareForCreate(_ object: inout JSONValue)
  /// Carries over what an update must not change silently.
  func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, subresource: String)
  /// Rules beyond the schema; `old` is nil on create.
  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings)
}

extension ResourceStrategy {
  func nameError(_ name: String) -> String? { NameRules.subdomainError(name) }
  func applyDefaults(_ object: inout JSONValue) {}
  func prepareForCreate(_ object: inout JSONValue) {}
  func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, subresource: String) {}
  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {}
}

/// Kinds with nothing of their own.
struct DefaultStrategy: ResourceStrategy {}
