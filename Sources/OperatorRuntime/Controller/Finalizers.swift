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

/// What `KubernetesClient.finalize` found.
public enum Finalization<Object: Sendable>: Sendable {
  /// The object lives and bears the finalizer: go on with it.
  case active(Object)
  /// It is being deleted, and its cleanup is over or was not ours.
  case over
}

extension KubernetesClient {
  /// The two halves of a finalizer in one call at the head of a reconcile: puts it on a living object before anything is
  /// made that would need cleaning up; runs `cleanUp` for one that is being deleted, and then lets it go.
  ///
  /// `cleanUp` runs again when it throws or the process dies in it.
  /// - Throws: What `cleanUp` throws; `KubernetesError`.
  public func finalize<Object: KubernetesResource>(
    _ object: Object, with name: String, cleanUp: (Object) async throws -> Void
  ) async throws -> Finalization<Object> {
    guard object.isBeingDeleted else { return .active(try await addFinalizer(name, to: object)) }
    guard object.hasFinalizer(name) else { return .over }
    try await cleanUp(object)
    try await removeFinalizer(name, from: object)
    return .over
  }
}
