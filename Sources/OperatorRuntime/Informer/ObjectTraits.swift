public import KubernetesModels

/// What the store has to know of an object, for typed and dynamic objects alike.
struct ObjectTraits<Object: Sendable>: Sendable {
  let key: @Sendable (Object) -> ObjectKey
  let uid: @Sendable (Object) -> String?
  let version: @Sendable (Object) -> String?
  /// The uids of all owners, controlling or not.
  let owners: @Sendable (Object) -> [String]
}

extension ObjectTraits where Object: KubernetesResource {
  static var typed: Self {
    Self(
      key: { $0.key }, uid: { $0.metadata.uid }, version: { $0.metadata.resourceVersion },
      owners: { ($0.metadata.ownerReferences ?? []).map(\.uid) })
  }
}

extension ObjectTraits where Object == DynamicObject {
  static var dynamic: Self {
    Self(
      key: { $0.key }, uid: { $0.uid }, version: { $0.resourceVersion },
      owners: { object in
        let references = object.json.value(at: ["metadata", "ownerReferences"])?.arrayValue ?? []
        return references.compactMap { $0["uid"]?.stringValue }
      })
  }
}

extension DynamicObject {
  /// Where this object is.
  public var key: ObjectKey { ObjectKey(namespace: namespace, name: name ?? "") }
}
