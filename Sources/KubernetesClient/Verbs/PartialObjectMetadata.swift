public import KubernetesModels

/// An object without anything but its metadata (Kubernetes: "meta/v1 PartialObjectMetadata").
///
/// The API server leaves everything else out, so that lists and watches of many or large objects cost little memory and
/// traffic on both sides. `apiVersion` and `kind` are those of the object itself.
public struct PartialObjectMetadata: Sendable, Equatable {
  /// The object's group and version, e.g. `apps/v1`.
  public var apiVersion: String
  /// The object's kind.
  public var kind: String
  /// The metadata.
  public var metadata: ObjectMeta

  /// Makes one.
  public init(apiVersion: String, kind: String, metadata: ObjectMeta) {
    self.apiVersion = apiVersion
    self.kind = kind
    self.metadata = metadata
  }

  /// Takes the metadata of an answer, which is the whole object where the server cannot leave things out.
  init(_ json: JSONValue, _ type: ResourceType) throws {
    guard let metadata = json["metadata"] else {
      throw KubernetesError.decoding("a \(type.kind) came without metadata; is the address an API server's?")
    }
    self.init(apiVersion: type.apiVersion, kind: type.kind, metadata: try metadata.decode())
  }

  /// What to accept for one object, and, behind it, for servers that know only whole ones.
  static let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
  /// The same for lists.
  static let acceptList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
}
