import KubernetesModels

/// How a manager came to own fields.
enum ManagerOperation: String, Sendable { case apply = "Apply", update = "Update" }

/// `metadata.managedFields`: who owns what.
struct ManagedFields: Sendable {
  struct Entry: Sendable {
    var manager: String
    var operation: ManagerOperation
    var apiVersion: String
    var subresource: String?
    var time: String?
    var fields: FieldSet

    /// Appliers are one manager in all versions; updaters are told apart by version too.
    func isSame(as other: Entry) -> Bool {
      manager == other.manager && operation == other.operation && subresource == other.subresource
        && (operation == .apply || apiVersion == other.apiVersion)
    }

    /// As conflict messages name it: `"kubectl-edit" using apps/v1`.
    var label: String {
      var text = FieldError.render(.string(manager))
      if let subresource { text += " with subresource \(FieldError.render(.string(subresource)))" }
      if operation == .update { text += " using \(apiVersion)" }
      return text
    }
  }

  var entries: [Entry] = []

  init(of object: JSONValue?) {
    entries = (object?["metadata"]?["managedFields"]?.arrayValue ?? []).compactMap { json in
      guard let operation = json["operation"]?.stringValue.flatMap(ManagerOperation.init(rawValue:)) else { return nil }
      let subresource = json["subresource"]?.stringValue ?? ""
      return Entry(
        manager: json["manager"]?.stringValue ?? "", operation: operation,
        apiVersion: json["apiVersion"]?.stringValue ?? "", subresource: subresource.isEmpty ? nil : subresource,
        time: json["time"]?.stringValue, fields: FieldSet(fieldsV1: json["fieldsV1"] ?? .null))
    }
  }

  /// The object with these entries instead of its own; empty ones are left out.
  func written(into object: JSONValue) -> JSONValue {
    var result = object
    let kept = entries.filter { !$0.fields.isEmpty }.sorted { left, right in
      (left.operation.rawValue, left.time ?? "", left.manager) < (
        right.operation.rawValue, right.time ?? "", right.manager
      )
    }
    var metadata = result["metadata"] ?? .object([:])
    metadata["managedFields"] = kept.isEmpty ? JSONValue?.none : .array(kept.map(Self.json))
    result["metadata"] = metadata
    return result
  }

  private static func json(_ entry: Entry) -> JSONValue {
    var json: JSONValue = [
      "manager": .string(entry.manager), "operation": .string(entry.operation.rawValue),
      "apiVersion": .string(entry.apiVersion), "fieldsType": "FieldsV1", "fieldsV1": entry.fields.fieldsV1,
    ]
    if let time = entry.time { json["time"] = .string(time) }
    if let subresource = entry.subresource { json["subresource"] = .string(subresource) }
    return json
  }

  /// Without its managed fields, an object is what managers compare and own.
  static func stripped(_ object: JSONValue) -> JSONValue {
    guard var metadata = object["metadata"], metadata["managedFields"] != nil else { return object }
    var result = object
    metadata["managedFields"] = JSONValue?.none
    result["metadata"] = metadata
    return result
  }

  /// Fields that the server keeps and nobody owns (managedfields stripMeta).
  static let unownable: FieldSet = {
    var set = FieldSet()
    set.insert([PathElement.field("apiVersion")])
    set.insert([PathElement.field("kind")])
    for name in [
      "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
      "resourceVersion",
    ] {
      set.insert([PathElement.field("metadata"), .field(name)])
    }
    return set
  }()

  /// What may be owned of a set: not the server's own fields, and through a subresource only what it writes.
  static func ownable(_ fields: FieldSet, subresource: String?) -> FieldSet {
    var result = fields.removingSubtrees(unownable)
    if var metadata = result[.field("metadata")] {
      metadata.isMember = false
      result[.field("metadata")] = metadata
    }
    result.isMember = false
    guard let written = subresource.flatMap({ ["status": "status", "scale": "spec"][$0] }) else { return result }
    var only = FieldSet()
    only[.field(written)] = result[.field(written)]
    return only
  }
}
