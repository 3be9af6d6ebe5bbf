import KubernetesModels

/// Someone else owns fields that an apply wants to change: HTTP 409, reason Conflict.
struct ApplyConflict: Error, Sendable, CustomStringConvertible {
  struct Cause: Sendable, Hashable {
    /// The owner as the message names it: `"kubectl-edit" using apps/v1`.
    var manager: String
    /// Such as `.spec.replicas`.
    var field: String
    /// For `Status.details.causes`, whose reason is `FieldManagerConflict`.
    var message: String { "conflict with \(manager)" }
  }

  /// Sorted by manager, then field.
  var causes: [Cause]

  /// The API server's sentence, which kubectl prints with advice below it.
  var description: String {
    if causes.count == 1, let only = causes.first {
      return "Apply failed with 1 conflict: conflict with \(only.manager): \(only.field)"
    }
    var lines: [String] = []
    var last: String?
    for cause in causes {
      if cause.manager != last { lines.append("conflicts with \(cause.manager):") }
      last = cause.manager
      lines.append("- \(cause.field)")
    }
    return "Apply failed with \(causes.count) conflicts: " + lines.joined(separator: "\n")
  }
}

/// Field ownership on writes (Kubernetes "Server-Side Apply", structured-merge-diff).
///
/// The caller takes care of what a write may touch at all: it drops `status` from the objects it passes when the kind has a
/// status subresource and the write does not go there.
enum ServerSideApply {
  /// The outcome of an apply: `live` with what `applied` says, without what this manager no longer says and nobody else owns.
  ///
  /// An apply that changes nothing returns `live` unchanged, entry times included.
  ///
  /// - Throws: `ApplyConflict` when another manager owns a field with another value, unless `force`.
  static func apply(
    live: JSONValue?, applied: JSONValue, manager: String, force: Bool, schema: StructuralSchema?, apiVersion: String,
    subresource: String?, now: Timestamp
  ) throws(ApplyConflict) -> JSONValue {
    let position = TypedPosition.root(schema)
    let applied = ManagedFields.stripped(applied)
    let before = live.map(ManagedFields.stripped) ?? .object([:])
    var managed = ManagedFields(of: live)
    if let live, managed.entries.isEmpty {
      // An object from before field management: whoever made it owns what it has.
      let fields = ManagedFields.ownable(
        TypedValue.fields(of: ManagedFields.stripped(live), position), subresource: nil)
      managed.entries.append(
        ManagedFields.Entry(
          manager: "before-first-apply", operation: .update, apiVersion: apiVersion, subresource: nil,
          time: now.description, fields: fields))
    }
    var entry = ManagedFields.Entry(
      manager: manager, operation: .apply, apiVersion: apiVersion, subresource: subresource, time: now.description,
      fields: ManagedFields.ownable(TypedValue.fields(of: applied, position), subresource: subresource))
    let former = managed.entries.first { $0.isSame(as: entry) }
    managed.entries.removeAll { $0.isSame(as: entry) }

    var after = TypedValue.merge(applied, into: before, position)
    if let former {
      let owned = managed.entries.reduce(entry.fields) { $0.union($1.fields) }
      after = TypedValue.remove(former.fields, keeping: owned, from: after, position)
    }
    let comparison = TypedComparison(before, after, schema: schema)
    try resolveConflicts(&managed, changed: comparison.changed, force: force)
    managed.entries = managed.entries.map { $0.without(comparison.removed) }

    if let live, let former, comparison.isSame, former.fields == entry.fields, former.apiVersion == apiVersion {
      return live
    }
    if let former, former.fields == entry.fields, comparison.isSame { entry.time = former.time }
    managed.entries.append(entry)
    return managed.written(into: after)
  }

  private static func resolveConflicts(
    _ managed: inout ManagedFields, changed: FieldSet, force: Bool
  ) throws(ApplyConflict) {
    var causes: [ApplyConflict.Cause] = []
    for index in managed.entries.indices {
      let taken = managed.entries[index].fields.intersection(changed)
      guard !taken.isEmpty else { continue }
      let label = managed.entries[index].label
      causes += taken.paths().map { ApplyConflict.Cause(manager: label, field: $0) }
      managed.entries[index] = managed.entries[index].without(taken)
    }
    if !force, !causes.isEmpty {
      throw ApplyConflict(causes: causes.sorted { ($0.manager, $0.field) < ($1.manager, $1.field) })
    }
  }

  /// The managed fields after a create, update or patch: the writer owns what it changed, others lose it.
  ///
  /// A writer that sends `managedFields: []` or leaves them out keeps the old ones, except that an explicit empty list
  /// clears them (Kubernetes "Clearing managedFields").
  ///
  /// - Returns: `new` with the entries; when nothing but ownership metadata would change, the old entries as they were.
  static func updateManagedFields(
    old: JSONValue?, new: JSONValue, manager: String, operation: ManagerOperation = .update, apiVersion: String,
    subresource: String?, now: Timestamp, schema: StructuralSchema?
  ) -> JSONValue {
    let sent = new["metadata"]?["managedFields"]?.arrayValue
    if let sent, old != nil, sent.isEmpty || sent == [.object([:])] {
      var cleared = new
      cleared.set(JSONValue?.none, at: ["metadata", "managedFields"])
      return cleared
    }
    var managed = ManagedFields(of: sent == nil ? old : new)
    let before = old.map(ManagedFields.stripped) ?? .object([:])
    let after = ManagedFields.stripped(new)
    let comparison = TypedComparison(before, after, schema: schema)
    let changed = ManagedFields.ownable(comparison.changed, subresource: subresource)
    var entry = ManagedFields.Entry(
      manager: manager, operation: operation, apiVersion: apiVersion, subresource: subresource, time: now.description,
      fields: changed)
    let former = managed.entries.first { $0.isSame(as: entry) }
    managed.entries.removeAll { $0.isSame(as: entry) }
    managed.entries = managed.entries.map { $0.without(changed).without(comparison.removed) }
    if let former {
      entry.fields = former.fields.subtracting(comparison.removed).union(changed)
      if entry.fields == former.fields { entry.time = former.time }
    }
    managed.entries.append(entry)
    return managed.written(into: after)
  }
}

extension ManagedFields.Entry {
  fileprivate func without(_ fields: FieldSet) -> ManagedFields.Entry {
    var copy = self
    copy.fields = self.fields.subtracting(fields)
    return copy
  }
}
