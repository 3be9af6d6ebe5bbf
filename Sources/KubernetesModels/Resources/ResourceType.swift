/// A kind of object as an API server serves it: where its URLs are and what its objects call themselves.
public struct ResourceType: Sendable, Hashable {
  /// The API group; "" is the core group.
  public var group: String
  public var version: String
  public var kind: String
  /// The lower-case plural that stands in URLs, as in "statefulsets".
  public var plural: String
  public var isNamespaced: Bool

  public init(group: String, version: String, kind: String, plural: String, isNamespaced: Bool = true) {
    self.group = group
    self.version = version
    self.kind = kind
    self.plural = plural
    self.isNamespaced = isNamespaced
  }

  /// What stands in an object's `apiVersion`: "v1" in the core group, else "apps/v1".
  public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
}

/// An object with a name in an API server.
public protocol KubernetesResource: Codable, Sendable, Equatable {
  static var resourceType: ResourceType { get }
  var metadata: ObjectMeta { get set }
}
