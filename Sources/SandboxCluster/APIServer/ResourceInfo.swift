import KubernetesModels

/// When `metadata.generation` counts up.
enum GenerationRule: Sendable {
  /// The kind has no generation.
  case none
  /// On a change of `spec`.
  case spec
  /// On a change of anything but `metadata` and `status` (custom resources).
  case content
}

/// Where the scale subresource finds its numbers.
struct ScalePaths: Sendable, Equatable {
  var specReplicas: [String]
  var statusReplicas: [String]
  /// A `LabelSelector` object for built-in kinds, its text form for custom resources.
  var selector: [String]?

  static let workload = ScalePaths(
    specReplicas: ["spec", "replicas"], statusReplicas: ["status", "replicas"], selector: ["spec", "selector"])
}

/// How a served version differs from the stored one.
enum Conversion: Sendable {
  case none
  /// Only `apiVersion` differs.
  case apiVersion
  /// events.k8s.io/v1 on top of the core Event that is stored.
  case event
  /// autoscaling/v1 on top of the autoscaling/v2 that is stored.
  case autoscaler
}

/// Everything generic that the server knows about one resource in one version.
struct ResourceInfo: Sendable {
  var group: String
  var version: String
  var kind: String
  var plural: String
  var singular: String
  var shortNames: [String] = []
  var categories: [String] = []
  var isNamespaced: Bool
  var storage: StorageKey
  /// `apiVersion` of what is stored.
  var storedAPIVersion: String
  var conversion = Conversion.none
  var verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
  var hasStatus = false
  var scale: ScalePaths?
  /// Further subresources for discovery, with the kind they take and their verbs.
  var extraSubresources: [ExtraSubresource] = []
  var generation = GenerationRule.none
  var selectableFields: Set<String> = ["metadata.name", "metadata.namespace"]
  var schema: StructuralSchema?
  var strategy: any ResourceStrategy = DefaultStrategy()
  var columns: [TableColumn] = TableColumn.nameAndAge
  var isCustom = false
  /// The schema as a CustomResourceDefinition has it, for OpenAPI.
  var openAPISchema: JSONValue?
  /// `metadata.resourceVersion` of that definition.
  var definitionRevision = ""

  struct ExtraSubresource: Sendable {
    var name: String
    var group: String
    var version: String
    var kind: String
    var verbs: [String]
  }

  var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
  var listKind: String { kind + "List" }
  /// `pods`, `deployments.apps`: how messages name a resource.
  var qualifiedPlural: String { group.isEmpty ? plural : "\(plural).\(group)" }
  /// How Go prints a GroupVersionKind's group and version in messages.
  var groupVersionText: String { "\(apiVersion), Kind=\(kind)" }
  var isReadOnlyReview: Bool { !verbs.contains("list") }

  /// A stored object as this version shows it.
  func present(_ object: StoredObject) -> JSONValue {
    convertFromStorage(object.json)
  }

  /// The bytes of a stored object in this version.
  func bytes(_ object: StoredObject) -> [UInt8] {
    if case .none = conversion { return object.bytes }
    return convertFromStorage(object.json).serialized()
  }

  func convertFromStorage(_ json: JSONValue) -> JSONValue {
    switch conversion {
    case .none: return json
    case .apiVersion:
      var json = json
      json["apiVersion"] = .string(apiVersion)
      return json
    case .event: return EventConversion.toEventsV1(json)
    case .autoscaler: return AutoscalerConversion.toV1(json)
    }
  }

  func convertToStorage(_ json: JSONValue) -> JSONValue {
    switch conversion {
    case .none: return json
    case .apiVersion:
      var json = json
      json["apiVersion"] = .string(storedAPIVersion)
      return json
    case .event: return EventConversion.toCore(json)
    case .autoscaler: return AutoscalerConversion.toV2(json)
    }
  }
}

/// core/v1 Event ↔ events.k8s.io/v1 Event: the same record under two spellings (events API conversion).
enum EventConversion {
  private static let renamed = [
    ("involvedObject", "regarding"), ("message", "note"), ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"), ("reportingComponent", "reportingController"),
  ]

  static func toEventsV1(_ core: JSONValue) -> JSONValue {
    var event = core
    for (old, new) in renamed {
      event[new] = event[old]
      event[old] = nil
    }
    event["apiVersion"] = "events.k8s.io/v1"
    return event
  }

  static func toCore(_ event: JSONValue) -> JSONValue {
    var core = event
    for (old, new) in renamed {
      core[old] = core[new]
      core[new] = nil
    }
    core["apiVersion"] = "v1"
    return core
  }
}
