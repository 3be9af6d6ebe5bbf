public import KubernetesModels

// Every verb for the types of KubernetesModels and of generated custom resources. `in namespace: nil` means cluster
// scope for cluster-scoped types, and all namespaces for lists and watches of the others.
extension KubernetesClient {
  /// Reads one object.
  /// - Throws: ``KubernetesError``; ``KubernetesError/isNotFound`` when there is none.
  public func get<R: KubernetesResource>(
    _ type: R.Type, _ name: String, in namespace: String? = nil, subresource: String? = nil
  ) async throws -> R {
    try typed(await getJSON(R.resourceType, name, in: namespace, subresource: subresource))
  }

  /// Reads one object, or `nil` when there is none.
  /// - Throws: ``KubernetesError`` for everything but a missing object.
  public func getIfPresent<R: KubernetesResource>(
    _ type: R.Type, _ name: String, in namespace: String? = nil
  ) async throws -> R? {
    do {
      return try await get(type, name, in: namespace)
    } catch let error as KubernetesError where error.isNotFound {
      return nil
    }
  }

  /// Lists objects, page after page.
  /// - Throws: ``KubernetesError``; ``KubernetesError/decoding(_:)`` for an object that does not fit its type, unless
  ///   the options ask for a report of those.
  public func list<R: KubernetesResource>(
    _ type: R.Type, in namespace: String? = nil, options: ListOptions = .init()
  ) async throws -> ResourceList<R> {
    let (items, version) = try await listJSON(R.resourceType, in: namespace, options: options)
    var list = ResourceList<R>(items: [], resourceVersion: version)
    list.items.reserveCapacity(items.count)
    for json in items {
      do {
        list.items.append(try json.decode(R.self))
      } catch {
        let broken = UndecodableObject(json, R.resourceType, .listed, problem: "\(error)")
        guard options.reportsUndecodable else { throw KubernetesError.decoding(broken.description) }
        list.undecodable.append(broken)
      }
    }
    return list
  }

  /// Creates an object in the namespace that its metadata names.
  /// - Returns: the object as stored, with the server's defaults.
  /// - Throws: ``KubernetesError``; ``KubernetesError/isAlreadyExists`` when the name is taken.
  @discardableResult
  public func create<R: KubernetesResource>(_ object: R, options: WriteOptions = .init()) async throws -> R {
    try typed(await createJSON(R.resourceType, try JSONValue(encoding: object), options: options))
  }

  /// Replaces an object; a `resourceVersion` in its metadata makes it fail when somebody wrote meanwhile.
  /// - Throws: ``KubernetesError``; ``KubernetesError/isConflict`` when the version is no longer the newest.
  @discardableResult
  public func replace<R: KubernetesResource>(
    _ object: R, subresource: String? = nil, options: WriteOptions = .init()
  ) async throws -> R {
    try typed(
      await replaceJSON(R.resourceType, try JSONValue(encoding: object), subresource: subresource, options: options))
  }

  /// Replaces only the status of an object.
  /// - Throws: ``KubernetesError``.
  @discardableResult
  public func replaceStatus<R: KubernetesResource>(_ object: R, options: WriteOptions = .init()) async throws -> R {
    try await replace(object, subresource: "status", options: options)
  }

  /// Patches one object.
  /// - Throws: ``KubernetesError``.
  @discardableResult
  public func patch<R: KubernetesResource>(
    _ type: R.Type, _ name: String, in namespace: String? = nil, _ patch: Patch, subresource: String? = nil,
    options: WriteOptions = .init()
  ) async throws -> R {
    try typed(
      await patchJSON(R.resourceType, name, in: namespace, patch, subresource: subresource, options: options))
  }

  /// Server-side apply: creates the object or makes it have the given fields, which the field manager then owns.
  /// - Parameter force: take over fields that others own; a controller wants it, a person usually does not.
  /// - Throws: ``KubernetesError``; ``KubernetesError/isConflict`` when another manager owns a field and `force` is off.
  @discardableResult
  public func apply<R: KubernetesResource>(
    _ object: R, fieldManager: String, force: Bool = true, subresource: String? = nil, dryRun: Bool = false
  ) async throws -> R {
    try typed(
      await applyJSON(
        R.resourceType, try JSONValue(encoding: object), force: force, subresource: subresource,
        options: WriteOptions(fieldManager: fieldManager, dryRun: dryRun)))
  }

  /// Deletes one object. It may live on for a while, until its finalizers and grace period are over.
  /// - Throws: ``KubernetesError``; ``KubernetesError/isNotFound`` when there is none, ``KubernetesError/isConflict``
  ///   when a precondition does not hold.
  public func delete<R: KubernetesResource>(
    _ type: R.Type, _ name: String, in namespace: String? = nil, options: DeleteOptions = .init()
  ) async throws {
    try await delete(R.resourceType, name, in: namespace, options: options)
  }

  /// Deletes all objects that the selectors match.
  /// - Throws: ``KubernetesError``.
  public func deleteCollection<R: KubernetesResource>(
    _ type: R.Type, in namespace: String? = nil, matching selection: ListOptions = .init(),
    options: DeleteOptions = .init()
  ) async throws {
    try await deleteCollection(R.resourceType, in: namespace, matching: selection, options: options)
  }

  /// Watches objects. The request is sent when the iteration starts; see ``WatchStream`` for how it ends.
  public func watch<R: KubernetesResource>(
    _ type: R.Type, in namespace: String? = nil, options: WatchOptions = .init()
  ) -> WatchStream<R> {
    let typed: @Sendable (JSONValue) throws -> R = { try $0.decode(R.self) }
    return WatchStream(client: self, type: R.resourceType, namespace: namespace, options: options, decode: typed)
  }
}

extension KubernetesClient {
  private func typed<R: KubernetesResource>(_ json: JSONValue) throws -> R {
    try Self.decode(json, as: R.resourceType)
  }

  /// Decodes an object and says which one it was if that fails.
  static func decode<R: KubernetesResource>(_ json: JSONValue, as type: ResourceType) throws -> R {
    do {
      return try json.decode(R.self)
    } catch {
      throw KubernetesError.decoding(UndecodableObject(json, type, .listed, problem: "\(error)").description)
    }
  }
}
