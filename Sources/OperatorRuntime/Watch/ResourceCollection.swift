import KubernetesClient
import KubernetesModels

/// One page of a list.
struct ListPage<Item: Sendable>: Sendable {
  var items: [Item]
  var unreadable: [UndecodableObject] = []
  var resourceVersion: String
  /// Where the next page starts; nil on the last.
  var continueToken: String?
}

/// How much of each object is asked for.
public enum InformerContent: Sendable, Hashable {
  case whole
  /// Only `metadata`: what counting, owning and garbage collection need, at a fraction of the memory.
  case metadata
}

/// The objects of a type that an informer follows, page by page and as changes.
struct ResourceCollection<Item: Sendable>: Sendable {
  let client: KubernetesClient
  let type: ResourceType
  let namespace: String?
  /// Whether managed fields are passed over before an object is read.
  let omitsManagedFields: Bool
  let decode: @Sendable (JSONValue) throws -> Item
  /// Undecoded, because what the store shows already need not be decoded.
  let watch: @Sendable (WatchOptions) -> WatchStream<DynamicObject>

  /// Pages are asked for one by one, unlike with `KubernetesClient.list`, because what a lost page means for the list is
  /// `ReflectorMachine`'s to decide.
  func page(_ page: ReflectorMachine<Item>.Page, options: InformerOptions) async throws -> ListPage<Item> {
    var query: [(name: String, value: String)] = []
    if let selector = options.labelSelector { query.append(("labelSelector", selector)) }
    if let selector = options.fieldSelector { query.append(("fieldSelector", selector)) }
    if page.isLimited, options.pageSize > 0 { query.append(("limit", String(options.pageSize))) }
    if let token = page.continueToken { query.append(("continue", token)) }
    let request = KubernetesRequest(
      path: path, query: query, headers: [(name: "Accept", value: "application/json")], timeout: client.requestTimeout)
    let response = try await client.raw(request)
    let body = try await response.body.collect(upTo: 256 << 20)
    guard (200..<300).contains(response.status) else { throw refusal(response, body) }
    let list = try JSONValue(parsing: body, omittingManagedFields: omitsManagedFields)
    let token = list.value(at: ["metadata", "continue"])?.stringValue
    var page = ListPage<Item>(
      items: [], resourceVersion: list.value(at: ["metadata", "resourceVersion"])?.stringValue ?? "",
      continueToken: token?.isEmpty == false ? token : nil)
    for json in list["items"]?.arrayValue ?? [] {
      do {
        page.items.append(try decode(prepared(json)))
      } catch {
        page.unreadable.append(undecodable(DynamicObject(json), .listed, error))
      }
    }
    return page
  }

  func undecodable(
    _ object: DynamicObject, _ change: UndecodableObject.Change, _ error: any Error
  ) -> UndecodableObject {
    UndecodableObject(
      change: change, kind: type.kind, namespace: object.namespace, name: object.name ?? "", uid: object.uid,
      resourceVersion: object.resourceVersion, problem: "\(error)")
  }

  private var path: String {
    var path = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
    if type.isNamespaced, let namespace { path += "/namespaces/\(namespace)" }
    return path + "/" + type.plural
  }

  /// Items of a list come without apiVersion and kind; with them they equal what a watch gives.
  private func prepared(_ object: JSONValue) -> JSONValue {
    guard object["kind"] == nil || object["apiVersion"] == nil else { return object }
    var object = object
    object["apiVersion"] = .string(type.apiVersion)
    object["kind"] = .string(type.kind)
    return object
  }

  private func refusal(_ response: KubernetesResponse, _ body: [UInt8]) -> KubernetesError {
    var status =
      (try? JSONValue(parsing: body).decode(Status.self)) ?? Status(message: "list of \(type.plural) was refused")
    status.code = status.code ?? .init(response.status)
    if let seconds = response.header("Retry-After").flatMap({ Int($0) }), status.details?.retryAfterSeconds == nil {
      var details = status.details ?? StatusDetails()
      details.retryAfterSeconds = .init(seconds)
      status.details = details
    }
    return .api(status)
  }
}

extension ResourceCollection where Item: KubernetesResource {
  init(client: KubernetesClient, namespace: String?, omitsManagedFields: Bool) {
    self.init(
      client: client, type: Item.resourceType, namespace: namespace, omitsManagedFields: omitsManagedFields,
      decode: { try $0.decode(Item.self) },
      watch: { client.watch(Item.resourceType, in: namespace, options: $0) })
  }
}

extension ResourceCollection where Item == DynamicObject {
  init(
    client: KubernetesClient, type: ResourceType, namespace: String?, content: InformerContent, omitsManagedFields: Bool
  ) {
    let client = content == .whole ? client : client.forMetadataOnly()
    self.init(
      client: client, type: type, namespace: namespace, omitsManagedFields: omitsManagedFields,
      decode: { DynamicObject($0) },
      watch: { client.watch(type, in: namespace, options: $0) })
  }
}
