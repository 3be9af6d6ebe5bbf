/// An object of a kind that is known only at run time, kept as JSON: nothing in it is lost or reordered by a round trip.
public struct DynamicObject: Sendable, Hashable, Codable {
  /// The whole object.
  public var json: JSONValue

  public init(_ json: JSONValue) {
    self.json = json
  }

  /// An object with nothing but its identity.
  public init(type: ResourceType, name: String, namespace: String? = nil) {
    json = ["apiVersion": .string(type.apiVersion), "kind": .string(type.kind), "metadata": ["name": .string(name)]]
    self.namespace = namespace
  }

  public init(from decoder: any Decoder) throws {
    json = try JSONValue(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    try json.encode(to: encoder)
  }

  public var apiVersion: String? {
    get { json["apiVersion"]?.stringValue }
    set { json["apiVersion"] = newValue.map(JSONValue.string) }
  }

  public var kind: String? {
    get { json["kind"]?.stringValue }
    set { json["kind"] = newValue.map(JSONValue.string) }
  }

  public var name: String? {
    get { metadataText("name") }
    set { setMetadata("name", newValue) }
  }

  public var namespace: String? {
    get { metadataText("namespace") }
    set { setMetadata("namespace", newValue) }
  }

  public var uid: String? {
    get { metadataText("uid") }
    set { setMetadata("uid", newValue) }
  }

  public var resourceVersion: String? {
    get { metadataText("resourceVersion") }
    set { setMetadata("resourceVersion", newValue) }
  }

  public var generation: Int? { json.value(at: ["metadata", "generation"])?.intValue }

  public var labels: [String: String] {
    get { metadataMap("labels") }
    set { json.set(newValue.isEmpty ? nil : JSONValue(newValue), at: ["metadata", "labels"]) }
  }

  public var annotations: [String: String] {
    get { metadataMap("annotations") }
    set { json.set(newValue.isEmpty ? nil : JSONValue(newValue), at: ["metadata", "annotations"]) }
  }

  public var finalizers: [String] {
    get { json.value(at: ["metadata", "finalizers"])?.arrayValue?.compactMap(\.stringValue) ?? [] }
    set { json.set(newValue.isEmpty ? nil : JSONValue(newValue), at: ["metadata", "finalizers"]) }
  }

  /// Whether the object waits for its finalizers to be taken off.
  public var isBeingDeleted: Bool { metadataText("deletionTimestamp") != nil }

  /// The decoded metadata; empty where it doesn't decode. Writing replaces the whole of it.
  public var metadata: ObjectMeta {
    get { (try? json["metadata"]?.decode(ObjectMeta.self)) ?? ObjectMeta() }
    set {
      guard let encoded = try? JSONValue(encoding: newValue) else { return }
      json["metadata"] = encoded
    }
  }

  /// Reads the object as a generated type.
  /// - Throws: `DecodingError`.
  public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T {
    try json.decode(type)
  }

  private func metadataText(_ field: String) -> String? {
    json.value(at: ["metadata", field])?.stringValue
  }

  private mutating func setMetadata(_ field: String, _ value: String?) {
    json.set(value.map(JSONValue.string), at: ["metadata", field])
  }

  private func metadataMap(_ field: String) -> [String: String] {
    json.value(at: ["metadata", field])?.objectValue?.compactMapValues(\.stringValue) ?? [:]
  }
}
