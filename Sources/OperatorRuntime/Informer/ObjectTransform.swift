public import KubernetesModels

/// What is made of each object before an informer stores it; keeps out of memory what nobody reads.
public struct ObjectTransform<Object: Sendable>: Sendable {
  /// Tells transforms apart: informers are shared between those who ask for the same one.
  public let name: String
  let apply: @Sendable (Object) -> Object
  /// Whether it starts by dropping the managed fields: then they need not even be read.
  let dropsManagedFields: Bool

  /// - Parameters:
  ///   - name: Must differ between transforms that do different things.
  ///   - apply: Must keep name, namespace, uid, resourceVersion and ownerReferences.
  public init(name: String, _ apply: @escaping @Sendable (Object) -> Object) {
    self.init(name: name, dropsManagedFields: false, apply)
  }

  private init(name: String, dropsManagedFields: Bool, _ apply: @escaping @Sendable (Object) -> Object) {
    self.name = name
    self.apply = apply
    self.dropsManagedFields = dropsManagedFields
  }

  /// Stores objects as they come.
  public static var none: Self { Self(name: "") { $0 } }

  /// One transform after another.
  public func then(_ next: Self) -> Self {
    Self(name: name + "+" + next.name, dropsManagedFields: dropsManagedFields) { [apply] in next.apply(apply($0)) }
  }
}

extension ObjectTransform where Object: KubernetesResource {
  /// Drops `metadata.managedFields`, often the largest part of an object.
  public static var withoutManagedFields: Self {
    Self(name: "without-managed-fields", dropsManagedFields: true) { object in
      var object = object
      object.metadata.managedFields = nil
      return object
    }
  }
}

extension ObjectTransform where Object == DynamicObject {
  /// Drops `metadata.managedFields`, often the largest part of an object.
  public static var withoutManagedFields: Self {
    Self(name: "without-managed-fields", dropsManagedFields: true) { object in
      var object = object
      object.json.set(nil, at: ["metadata", "managedFields"])
      return object
    }
  }
}
