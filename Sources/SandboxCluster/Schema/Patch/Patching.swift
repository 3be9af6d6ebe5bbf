import KubernetesModels

/// A patch that cannot be applied.
struct PatchError: Error, Sendable, CustomStringConvertible {
  enum Kind: Sendable {
    /// The patch itself is malformed: 400 Bad Request.
    case malformed
    /// The patch is well formed but does not fit the object: 422 Unprocessable Entity, as for a failed `test`.
    case inapplicable
    /// The patch has too many operations: 413 Request Entity Too Large.
    case tooLarge
  }
  var kind: Kind
  var message: String
  var description: String { message }

  static func malformed(_ message: String) -> PatchError { PatchError(kind: .malformed, message: message) }
  static func inapplicable(_ message: String) -> PatchError { PatchError(kind: .inapplicable, message: message) }
}

/// The patch types of the Kubernetes API, apart from apply.
enum Patching {
  /// As a real server: operations in one JSON Patch, and bytes that its `copy` operations may add up to. A copy of a
  /// copy doubles, so that a patch of a few lines could otherwise fill any memory.
  static let operationLimit = 10_000
  static let copyLimit = 3 << 20

  /// JSON Patch (RFC 6902). All operations apply, or none.
  ///
  /// - Throws: `PatchError`.
  static func json(_ operations: [JSONValue], to document: JSONValue) throws -> JSONValue {
    guard operations.count <= operationLimit else {
      throw PatchError(
        kind: .tooLarge,
        message: "The allowed maximum operations in a JSON patch is \(operationLimit), got \(operations.count)")
    }
    var result = document
    var copied = 0
    for json in operations {
      let operation = try JSONPatchOperation(json)
      copied += try operation.copiedBytes(of: result)
      guard copied <= copyLimit else {
        throw PatchError.inapplicable(
          "Unable to complete the copy, the accumulated size increase of copy is \(copied), exceeding the limit \(copyLimit)"
        )
      }
      result = try operation.apply(to: result)
    }
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
