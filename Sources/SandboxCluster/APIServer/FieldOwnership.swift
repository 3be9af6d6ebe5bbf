import KubernetesModels

/// Keeps `metadata.managedFields` (API reference: "Server-Side Apply", field management).
enum FieldOwnership {
  /// The object with the changes recorded under their manager.
  static func recording(
    _ object: JSONValue, old: JSONValue?, _ call: Call
  ) -> JSONValue {
    ServerSideApply.updateManagedFields(
      old: old, new: object, manager: call.fieldManager, apiVersion: call.info.apiVersion,
      subresource: call.target.subresource.isEmpty ? nil : call.target.subresource, now: .now, schema: call.info.schema)
  }

  /// Whether a write would change nothing but the times in the managed fields: then nothing is written at all.
  static func isSame(_ new: JSONValue, _ old: JSONValue) -> Bool {
    new == old || withoutTimes(new) == withoutTimes(old)
  }

  private static func withoutTimes(_ object: JSONValue) -> JSONValue {
    var object = object
    object.change("metadata") { metadata in
      metadata["resourceVersion"] = nil
      metadata.changeItems("managedFields") { $0["time"] = nil }
    }
    return object
  }
}
