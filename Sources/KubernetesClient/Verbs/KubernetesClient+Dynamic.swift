public import KubernetesModels

// The same verbs for types that are known only at run time.
extension KubernetesClient {
  /// Reads one object.
  /// - Throws: ``KubernetesError``.
  public func get(
    _ type: ResourceType, _ name: String, in namespace: String? = nil, subresource: String? = nil
  ) async throws -> DynamicObject {
    DynamicObject(try await getJSON(type, name, in: namespace, subresource: subresource))
  }

  /// Lists objects, page after page.
  /// - Throws: ``KubernetesError``.
  public func list(
    _ type: ResourceType, in namespace: String? = nil, options: ListOptions = .init()
  ) async throws -> ResourceList<DynamicObject> {
    let (items, version) = try await listJSON(type, in: namespace, options: options)
    return ResourceList(items: items.map { DynamicObject($0) }, resourceVersion: version)
  }

  /// Creates an object in the namespace that its metadata names.
  /// - Throws: ``KubernetesError``.
  @discardableResult
  public func create(
    _ type: ResourceType, _ object: DynamicObject, options: WriteOptions = .init()
  ) async throws -> DynamicObject {
    DynamicObject(try await createJSON(type, object.json, options: options))
  }

  /// Replaces an object.
  /// - Throws: ``KubernetesError``.
  @discardableResult
  public func replace(
    _ type: ResourceType, _ object: DynamicObject, subresource: String? = nil, options: WriteOptions = .init()
  ) async throws -> DynamicObject {
    DynamicObject(try await replaceJSON(type, object.json, subresource: subresource, options: options))
  }

  /// Patches one object.
  /// - Throws: ``KubernetesError``.
  @discardableResult
  public func patch(
    _ type: ResourceType, _ name: String, in namespace: String? = nil, _ patch: Patch, subresource: String? = nil,
    options: WriteOptions = .init()
  ) async throws -> DynamicObject {
    DynamicObject(
      try await patchJSON(type, name, in: namespace, patch, subresource: subresource, options: options))
  }

  /// Server-side apply; see the typed form.
  /// - Throws: ``KubernetesError``.
  @discardableResult
  public func apply(
    _ type: ResourceType, _ object: DynamicObject, fieldManager: String, force: Bool = true,
    subresource: String? = nil, dryRun: Bool = false
  ) async throws -> DynamicObject {
    DynamicObject(
      try await applyJSON(
        type, object.json, force: force, subresource: subresource,
        options: WriteOptions(fieldManager: fieldManager, dryRun: dryRun)))
  }

  /// Deletes one object. It may live on for a while, until its finalizers and grace period are over.
  /// - Throws: ``KubernetesError``.
  public func delete(
    _ type: ResourceType, _ name: String, in namespace: String? = nil, options: DeleteOptions = .init()
  ) async throws {
    let path = try ResourcePath.object(type, name: name, namespace: namespace)
    _ = try await json(request(.delete, path, body: options.body.serialized()))
  }

  /// Deletes all objects that the selectors match.
  /// - Throws: ``KubernetesError``.
  public func deleteCollection(
    _ type: ResourceType, in namespace: String? = nil, matching selection: ListOptions = .init(),
    options: DeleteOptions = .init()
  ) async throws {
    if type.isNamespaced { try ResourcePath.requireNamespace(type, namespace, name: "collection") }
    let path = ResourcePath.collection(type, namespace: namespace)
    _ = try await json(request(.delete, path, query: selection.query, body: options.body.serialized()))
  }

  /// Watches objects; see ``WatchStream``.
  public func watch(
    _ type: ResourceType, in namespace: String? = nil, options: WatchOptions = .init()
  ) -> WatchStream<DynamicObject> {
    WatchStream(client: self, type: type, namespace: namespace, options: options, decode: { DynamicObject($0) })
  }
}
