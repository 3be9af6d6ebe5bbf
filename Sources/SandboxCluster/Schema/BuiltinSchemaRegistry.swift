import KubernetesModels
import Synchronization

/// The schemas of the kinds that every cluster has.
final class BuiltinSchemaRegistry: Sendable {
  static let shared = BuiltinSchemaRegistry(BuiltinSchemas.definitions)

  let definitions: SchemaDefinitions
  private let byName: [String: String]
  private let kinds = Mutex<[String: StructuralSchema?]>([:])

  init(_ texts: [(name: String, json: String)]) {
    let byName = Dictionary(texts.map { ($0.name, $0.json) }, uniquingKeysWith: { first, _ in first })
    self.byName = byName
    var source: [String: @Sendable () -> JSONValue?] = [:]
    for name in byName.keys {
      source[name] = { Self.parse(name, byName[name]) }
    }
    definitions = SchemaDefinitions(source)
  }

  /// The schema of a built-in kind; nil for kinds that are not built in.
  func schema(group: String, version: String, kind: String) -> StructuralSchema? {
    let key = "\(group)/\(version)/\(kind)"
    if let known = kinds.withLock({ $0[key] }) { return known }
    let schema = Self.candidates(group: group, version: version, kind: kind).lazy
      .compactMap { self.definitions.node(named: $0) }.first.map(StructuralSchema.init(root:))
    kinds.withLock { $0[key] = schema }
    return schema
  }

  /// The schema of `metadata` in every object.
  var objectMeta: SchemaNode? { definitions.node(named: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta") }

  /// Every schema that documents of this group and version need, by name, for `components.schemas`.
  func openAPIv3Components(group: String, version: String) -> JSONValue {
    let prefix = Self.candidates(group: group, version: version, kind: "")
    var pending = byName.keys.filter { name in prefix.contains { name.hasPrefix($0) } }
    var found: [String: JSONValue] = [:]
    while let name = pending.popLast() {
      guard found[name] == nil, let json = definitions.json(named: name) else { continue }
      found[name] = json
      Self.collectReferences(json, into: &pending)
    }
    return .object(found)
  }

  /// Names that a kind's definition can have: `io.k8s.api.<group>.<version>.<Kind>` and the two aggregated groups.
  private static func candidates(group: String, version: String, kind: String) -> [String] {
    let short = group.isEmpty ? "core" : group.split(separator: ".").first.map(String.init) ?? group
    let package = group == "internal.apiserver.k8s.io" ? "apiserverinternal" : short
    return [
      "io.k8s.api.\(package).\(version).\(kind)",
      "io.k8s.apiextensions-apiserver.pkg.apis.\(package).\(version).\(kind)",
      "io.k8s.kube-aggregator.pkg.apis.\(package).\(version).\(kind)",
    ]
  }

  private static func collectReferences(_ json: JSONValue, into names: inout [String]) {
    switch json {
    case .object(let fields):
      for (key, value) in fields {
        if key == "$ref", let name = value.stringValue?.split(separator: "/").last {
          names.append(String(name))
        } else {
          collectReferences(value, into: &names)
        }
      }
    case .array(let elements): for element in elements { collectReferences(element, into: &names) }
    default: break
    }
  }

  /// Parses one definition and adds what the published documents leave out.
  private static func parse(_ name: String, _ text: String?) -> JSONValue? {
    guard let text, var json = try? JSONValue(parsing: text) else { return nil }
    switch name {
    case "io.k8s.api.core.v1.ContainerPort", "io.k8s.api.core.v1.ServicePort":
      // `protocol` is a key of the ports list and defaults to TCP (core/v1 defaults).
      json.set("TCP", at: ["properties", "protocol", "default"])
    case "io.k8s.apimachinery.pkg.util.intstr.IntOrString":
      json["oneOf"] = nil
      json["x-kubernetes-int-or-string"] = true
    case "io.k8s.apimachinery.pkg.api.resource.Quantity":
      json["oneOf"] = nil
      json["type"] = ["string", "number"]
    case "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", "io.k8s.apimachinery.pkg.runtime.RawExtension",
      "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON":
      json["x-kubernetes-preserve-unknown-fields"] = true
    case "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
      "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
      "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray":
      json = ["x-kubernetes-preserve-unknown-fields": true]
    default: break
    }
    return json
  }
}
