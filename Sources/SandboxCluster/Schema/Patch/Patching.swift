import KubernetesModels

/// A patch that cannot be applied.
struct PatchError: Error, Sendable, CustomStringConvertible {
  enum Kind: Sendable {
    /// The patch itself is malformed: 400 Bad Request.
    case malformed
    /// The patch is well formed but does not fit the object: 422 Unprocessable Entity, as for a failed `test`.
    case inapplicable
  }
  var kind: Kind
  var message: String
  var description: String { message }

  static func malformed(_ message: String) -> PatchError { PatchError(kind: .malformed, message: message) }
  static func inapplicable(_ message: String) -> PatchError { PatchError(kind: .inapplicable, message: message) }
}

/// The patch types of the Kubernetes API, apart from apply.
enum Patching {
  /// JSON Patch (RFC 6902). All operations apply, or none.
  ///
  /// - Throws: `PatchError`.
  static func json(_ operations: [JSONValue], to document: JSONValue) throws -> JSONValue {
    var result = document
    for operation in operations { result = try JSONPatchOperation(operation).apply(to: result) }
    return result
  }

  /// JSON Merge Patch (RFC 7386): objects merge, null removes, everything else replaces.
  static func merge(_ patch: JSONValue, to target: JSONValue) -> JSONValue {
    guard case .object(let changes) = patch else { return patch }
    var fields = target.objectValue ?? [:]
    for (name, change) in changes {
      if change.isNull {
        fields.removeValue(forKey: name)
      } else {
        fields[name] = merge(change, to: fields[name] ?? .null)
      }
    }
    return .object(fields)
  }

  /// Strategic merge patch (apimachinery strategicpatch): lists with a merge key merge entry by entry.
  ///
  /// - Parameter schema: tells merge keys and strategies; without one every list is replaced.
  /// - Throws: `PatchError`.
  static func strategicMerge(
    _ patch: JSONValue, to target: JSONValue, schema: StructuralSchema?
  ) throws -> JSONValue {
    try StrategicMerge.object(patch, into: target, schema?.root)
  }
}
