public import KubernetesModels

extension OwnerReference {
  /// A reference from a dependent to the object that manages it. Deleting `owner` then deletes the dependent.
  /// - Returns: Nil when `owner` has no uid yet, because it was not read from an API server.
  public init?(controlling owner: some KubernetesResource, blockOwnerDeletion: Bool = true) {
    guard let uid = owner.metadata.uid, let name = owner.metadata.name else { return nil }
    let type = Swift.type(of: owner).resourceType
    self.init(
      apiVersion: type.apiVersion, blockOwnerDeletion: blockOwnerDeletion, controller: true, kind: type.kind,
      name: name, uid: uid)
  }
}

extension KubernetesResource {
  /// The one owner that manages this object, if any.
  public var controllingOwner: OwnerReference? {
    metadata.ownerReferences?.first { $0.controller == true }
  }

  /// Whether `owner` manages this object, by uid: an owner of the same name that was made anew does not.
  public func isControlled(by owner: some KubernetesResource) -> Bool {
    guard let uid = owner.metadata.uid else { return false }
    return controllingOwner?.uid == uid
  }
}
