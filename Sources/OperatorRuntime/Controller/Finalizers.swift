public import KubernetesClient
public import KubernetesModels

extension KubernetesResource {
  /// True once a deletion was asked for and finalizers still hold the object.
  public var isBeingDeleted: Bool { metadata.deletionTimestamp != nil }

  public func hasFinalizer(_ name: String) -> Bool {
    metadata.finalizers?.contains(name) ?? false
  }
}

extension KubernetesClient {
  /// Adds a finalizer unless it is there.
  ///
  /// Guarded by the resource version: another writer's finalizers are never lost; a conflict is thrown and retried.
  /// - Returns: The object as it is now.
  public func addFinalizer<Object: KubernetesResource>(_ name: String, to object: Object) async throws -> Object {
    guard !object.hasFinalizer(name), !object.isBeingDeleted else { return object }
    return try await setFinalizers((object.metadata.finalizers ?? []) + [name], of: object)
  }

  /// Takes a finalizer away; an object that is gone already is a success.
  public func removeFinalizer<Object: KubernetesResource>(_ name: String, from object: Object) async throws {
    guard object.hasFinalizer(name) else { return }
    do {
      _ = try await setFinalizers((object.metadata.finalizers ?? []).filter { $0 != name }, of: object)
    } catch let error as KubernetesError where error.isNotFound {
      return
    }
  }

  private func setFinalizers<Object: KubernetesResource>(
    _ finalizers: [String], of object: Object
  ) async throws -> Object {
    var metadata: [String: JSONValue] = ["finalizers": .array(finalizers.map { .string($0) })]
    metadata["resourceVersion"] = object.metadata.resourceVersion.map { .string($0) }
    metadata["uid"] = object.metadata.uid.map { .string($0) }
    return try await patch(
      Object.self, object.metadata.name ?? "", in: object.metadata.namespace,
      .merge(.object(["metadata": .object(metadata)])))
  }
}
