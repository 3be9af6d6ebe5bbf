public import KubernetesModels

/// An object's place in the cluster, for one resource type.
public struct ObjectKey: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Nil for cluster-scoped objects.
  public var namespace: String?
  public var name: String

  public init(namespace: String?, name: String) {
    self.namespace = namespace
    self.name = name
  }

  /// `namespace/name`, the form that kubectl and controller-runtime log.
  public var description: String { namespace.map { "\($0)/\(name)" } ?? name }

  public static func < (left: Self, right: Self) -> Bool {
    (left.namespace ?? "", left.name) < (right.namespace ?? "", right.name)
  }
}

extension KubernetesResource {
  /// Where this object is.
  public var key: ObjectKey { ObjectKey(namespace: metadata.namespace, name: metadata.name ?? "") }
}
