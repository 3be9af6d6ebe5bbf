public import KubernetesModels

// Access to metadata alone: the verbs that have an answer to leave things out of.
extension KubernetesClient {
  /// Reads one object's metadata.
  /// - Throws: ``KubernetesError``; ``KubernetesError/isNotFound`` when there is none.
  public func getMetadata(
    _ type: ResourceType, _ name: String, in namespace: String? = nil
  ) async throws -> PartialObjectMetadata {
    let path = try ResourcePath.object(type, name: name, namespace: namespace)
    return try await partial(request(.get, path), type)
  }

  /// Reads one object's metadata.
  /// - Throws: ``KubernetesError``.
  public func getMetadata<R: KubernetesResource>(
    _ type: R.Type, _ name: String, in namespace: String? = nil
  ) async throws -> PartialObjectMetadata {
    try await getMetadata(R.resourceType, name, in: namespace)
  }

  /// Lists objects' metadata, page after page.
  /// - Throws: ``KubernetesError``.
  public func listMetadata(
    _ type: ResourceType, in namespace: String? = nil, options: ListOptions = .init()
  ) async throws -> ResourceList<PartialObjectMetadata> {
    let (items, version) = try await listJSON(
      type, in: namespace, options: options, accept: PartialObjectMetadata.acceptList)
    return try ResourceList(decoding: items, type, version, options) { try PartialObjectMetadata($0, type) }
  }

  /// Lists objects' metadata, page after page.
  /// - Throws: ``KubernetesError``.
  public func listMetadata<R: KubernetesResource>(
    _ type: R.Type, in namespace: String? = nil, options: ListOptions = .init()
  ) async throws -> ResourceList<PartialObjectMetadata> {
    try await listMetadata(R.resourceType, in: namespace, options: options)
  }

  /// Watches objects' metadata; see ``WatchStream``. An object whose other fields alone change is reported all the same.
  public func watchMetadata(
    _ type: ResourceType, in namespace: String? = nil, options: WatchOptions = .init()
  ) -> WatchStream<PartialObjectMetadata> {
    WatchStream(
      client: self, type: type, namespace: namespace, options: options, accept: PartialObjectMetadata.accept,
      decode: { try PartialObjectMetadata($0, type) })
  }

  /// Watches objects' metadata; see ``WatchStream``.
  public func watchMetadata<R: KubernetesResource>(
    _ type: R.Type, in namespace: String? = nil, options: WatchOptions = .init()
  ) -> WatchStream<PartialObjectMetadata> {
    watchMetadata(R.resourceType, in: namespace, options: options)
  }

  /// Patches an object and gets its metadata back, e.g. to set a label or take a finalizer away.
  /// - Throws: ``KubernetesError``.
  @discardableResult
  public func patchMetadata(
    _ type: ResourceType, _ name: String, in namespace: String? = nil, _ patch: Patch, options: WriteOptions = .init()
  ) async throws -> PartialObjectMetadata {
    let path = try ResourcePath.object(type, name: name, namespace: namespace)
    return try await partial(
      request(.patch, path, query: options.query, body: patch.body, contentType: patch.contentType), type)
  }

  private func partial(_ request: KubernetesRequest, _ type: ResourceType) async throws -> PartialObjectMetadata {
    try PartialObjectMetadata(try await json(request.accepting(PartialObjectMetadata.accept)), type)
  }
}

extension KubernetesRequest {
  /// The same request with another `Accept` header.
  func accepting(_ value: String) -> KubernetesRequest {
    var request = self
    request.headers.removeAll { $0.name == "Accept" }
    request.headers.append((name: "Accept", value: value))
    return request
  }
}

extension ResourceList {
  /// Decodes the objects of a list one by one.
  /// - Throws: ``KubernetesError/decoding(_:)`` for one that does not fit, unless the options ask for a report.
  init(
    decoding items: [JSONValue], _ type: ResourceType, _ version: String, _ options: ListOptions,
    _ decode: (JSONValue) throws -> Item
  ) throws {
    self.init(items: [], resourceVersion: version)
    self.items.reserveCapacity(items.count)
    for json in items {
      do {
        self.items.append(try decode(json))
      } catch {
        let broken = UndecodableObject(json, type, .listed, problem: "\(error)")
        guard options.reportsUndecodable else { throw KubernetesError.decoding(broken.description) }
        undecodable.append(broken)
      }
    }
  }
}
