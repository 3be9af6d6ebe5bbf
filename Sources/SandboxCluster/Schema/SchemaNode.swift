import KubernetesModels

/// A JSON Schema type name.
enum SchemaType: String, Sendable { case object, array, string, integer, number, boolean, null }

/// How entries of a list are told apart (x-kubernetes-list-type).
enum ListType: Sendable, Equatable {
  case atomic
  case set
  case map(keys: [String])
}

/// One parsed OpenAPI v3 schema with the Kubernetes extensions; immutable, so it is shared freely.
final class SchemaNode: Sendable {
  enum Additional: Sendable {
    case unspecified
    case forbidden
    case anything
    case schema(SchemaNode)
  }

  let types: [SchemaType]
  let nullable: Bool
  let properties: [String: SchemaNode]
  let required: [String]
  let additional: Additional
  let items: SchemaNode?
  let defaultValue: JSONValue?
  let enumeration: [JSONValue]?
  let format: String?
  let bounds: SchemaBounds
  let listType: ListType?
  let isAtomicMap: Bool
  let preservesUnknownFields: Bool
  let isEmbeddedResource: Bool
  let isIntOrString: Bool
  let allOf: [SchemaNode]
  let anyOf: [SchemaNode]
  let oneOf: [SchemaNode]
  let not: SchemaNode?
  let rules: [ValidationRule]
  /// Whether this schema or one inside it has CEL rules (of custom resources; built-in kinds have none).
  let hasRulesInside: Bool
  let patchMergeKey: String?
  let patchStrategies: Set<Substring>
  private let reference: String?
  private let definitions: SchemaDefinitions?

  /// Go types behave unlike custom resources in three ways: null means absent, unknown parts of a free-form object stay, and
  /// `{}` or `""` given as a default is an artefact of generation.
  let isGoType: Bool

  init(_ json: JSONValue, definitions: SchemaDefinitions?) {
    func nodes(_ key: String) -> [SchemaNode] {
      (json[key]?.arrayValue ?? []).map { SchemaNode($0, definitions: definitions) }
    }
    self.definitions = definitions
    isGoType = definitions != nil
    var nodesOfAllOf = nodes("allOf")
    var reference = json["$ref"]?.stringValue
    // OpenAPI v3 documents wrap a reference with a description as `allOf: [{$ref: …}]`.
    if reference == nil, json["properties"] == nil, nodesOfAllOf.count == 1, let inner = nodesOfAllOf[0].reference {
      reference = "#/" + inner
      nodesOfAllOf = []
    }
    self.reference = reference?.split(separator: "/").last.map(String.init)
    switch json["type"] {
    case .string(let name)?: types = SchemaType(rawValue: name).map { [$0] } ?? []
    case .array(let names)?: types = names.compactMap { $0.stringValue.flatMap(SchemaType.init(rawValue:)) }
    default: types = []
    }
    nullable = json["nullable"]?.boolValue ?? types.contains(.null)
    properties = (json["properties"]?.objectValue ?? [:]).mapValues { SchemaNode($0, definitions: definitions) }
    required = (json["required"]?.arrayValue ?? []).compactMap(\.stringValue)
    switch json["additionalProperties"] {
    case .bool(true)?: additional = .anything
    case .bool(false)?: additional = .forbidden
    case .object(let schema)?: additional = .schema(SchemaNode(.object(schema), definitions: definitions))
    default: additional = .unspecified
    }
    items = json["items"].map { SchemaNode($0, definitions: definitions) }
    defaultValue = json["default"]
    enumeration = json["enum"]?.arrayValue
    format = json["format"]?.stringValue
    bounds = SchemaBounds(json)
    switch json["x-kubernetes-list-type"]?.stringValue {
    case "atomic"?: listType = .atomic
    case "set"?: listType = .set
    case "map"?:
      listType = .map(keys: (json["x-kubernetes-list-map-keys"]?.arrayValue ?? []).compactMap(\.stringValue))
    default: listType = nil
    }
    isAtomicMap = json["x-kubernetes-map-type"]?.stringValue == "atomic"
    isEmbeddedResource = json["x-kubernetes-embedded-resource"]?.boolValue ?? false
    isIntOrString =
      json["x-kubernetes-int-or-string"]?.boolValue ?? (json["format"]?.stringValue == "int-or-string")
    preservesUnknownFields = json["x-kubernetes-preserve-unknown-fields"]?.boolValue ?? false
    allOf = nodesOfAllOf
    anyOf = nodes("anyOf")
    oneOf = nodes("oneOf")
    not = json["not"].map { SchemaNode($0, definitions: definitions) }
    rules = (json["x-kubernetes-validations"]?.arrayValue ?? []).map(ValidationRule.init)
    var hasRules = !rules.isEmpty || items?.hasRulesInside == true
    if case .schema(let schema) = additional, schema.hasRulesInside { hasRules = true }
    hasRulesInside = hasRules || properties.values.contains { $0.hasRulesInside }
    patchMergeKey = json["x-kubernetes-patch-merge-key"]?.stringValue
    patchStrategies = Set(json["x-kubernetes-patch-strategy"]?.stringValue?.split(separator: ",") ?? [])
  }

  /// The node that has the structure: this one, or what its `$ref` names.
  var resolved: SchemaNode {
    guard let reference, let target = definitions?.node(named: reference) else { return self }
    return target.resolved
  }

  /// The schema of one field of an object; nil when the schema does not know the field.
  func child(_ name: String) -> SchemaNode? {
    let node = resolved
    if let property = node.properties[name] { return property }
    if case .schema(let schema) = node.additional { return schema }
    return nil
  }

  /// Whether an object of this schema may carry fields that the schema does not name.
  var allowsUnknownFields: Bool {
    let node = resolved
    if node.preservesUnknownFields || preservesUnknownFields { return true }
    switch node.additional {
    case .anything, .schema: return true
    case .forbidden: return false
    case .unspecified:
      return node.isGoType && node.properties.isEmpty
    }
  }

  /// A map that is owned and replaced as one value, said here or where the structure stands.
  var isAtomicMapType: Bool { isAtomicMap || resolved.isAtomicMap }

  /// True for a field with a name of its own in the schema, as opposed to a key of a map.
  func hasNamedField(_ name: String) -> Bool { resolved.properties[name] != nil }
}

/// The numeric and length limits of one schema.
struct SchemaBounds: Sendable {
  var minimum: Double?
  var maximum: Double?
  var exclusiveMinimum: Bool
  var exclusiveMaximum: Bool
  var multipleOf: Double?
  var minLength: Int?
  var maxLength: Int?
  var pattern: String?
  var compiledPattern: PatternMatcher?
  var minItems: Int?
  var maxItems: Int?
  var uniqueItems: Bool
  var minProperties: Int?
  var maxProperties: Int?

  init(_ json: JSONValue) {
    minimum = json["minimum"]?.doubleValue
    maximum = json["maximum"]?.doubleValue
    exclusiveMinimum = json["exclusiveMinimum"]?.boolValue ?? false
    exclusiveMaximum = json["exclusiveMaximum"]?.boolValue ?? false
    multipleOf = json["multipleOf"]?.doubleValue
    minLength = json["minLength"]?.intValue
    maxLength = json["maxLength"]?.intValue
    pattern = json["pattern"]?.stringValue
    compiledPattern = pattern.flatMap { try? PatternMatcher($0) }
    minItems = json["minItems"]?.intValue
    maxItems = json["maxItems"]?.intValue
    uniqueItems = json["uniqueItems"]?.boolValue ?? false
    minProperties = json["minProperties"]?.intValue
    maxProperties = json["maxProperties"]?.intValue
  }
}
