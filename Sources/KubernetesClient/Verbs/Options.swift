public import KubernetesModels

/// Which objects a list gives, and how fresh they must be (Kubernetes: "List options").
public struct ListOptions: Sendable, Hashable {
  /// e.g. `app=web,tier in (a,b)`.
  public var labelSelector: String?
  /// e.g. `metadata.name=web`.
  public var fieldSelector: String?
  /// Objects a page; pages are followed by ``KubernetesClient``, so this bounds memory, not the result. 0 asks for all at once.
  public var limit: Int?
  /// Where to go on; usually left to the client.
  public var continueToken: String?
  /// How fresh the answer must be; `"0"` takes whatever the server's cache holds.
  public var resourceVersion: String?
  /// `NotOlderThan` or `Exact`.
  public var resourceVersionMatch: String?
  /// Whether a typed list names objects that do not fit the type in ``ResourceList/undecodable`` instead of failing.
  public var reportsUndecodable: Bool

  /// Makes options; everything left out is left to the server.
  public init(
    labelSelector: String? = nil, fieldSelector: String? = nil, limit: Int? = nil, continueToken: String? = nil,
    resourceVersion: String? = nil, resourceVersionMatch: String? = nil, reportsUndecodable: Bool = false
  ) {
    self.labelSelector = labelSelector
    self.fieldSelector = fieldSelector
    self.limit = limit
    self.continueToken = continueToken
    self.resourceVersion = resourceVersion
    self.resourceVersionMatch = resourceVersionMatch
    self.reportsUndecodable = reportsUndecodable
  }

  var query: [(name: String, value: String)] {
    queryItems([
      ("labelSelector", labelSelector), ("fieldSelector", fieldSelector),
      ("limit", limit.flatMap { $0 > 0 ? String($0) : nil }), ("continue", continueToken),
      ("resourceVersion", resourceVersion), ("resourceVersionMatch", resourceVersionMatch),
    ])
  }
}

/// What a watch gives (Kubernetes: "Efficient detection of changes").
public struct WatchOptions: Sendable, Hashable {
  /// As in ``ListOptions``.
  public var labelSelector: String?
  /// As in ``ListOptions``.
  public var fieldSelector: String?
  /// Changes after this version; `nil` starts with synthetic `added` events of what is there.
  public var resourceVersion: String?
  /// After this many seconds the server ends the watch; `nil` leaves it to the server (30 to 60 minutes).
  public var timeoutSeconds: Int?
  /// Whether the server may send bookmarks, which keep the resource version fresh while nothing happens.
  public var allowBookmarks: Bool
  /// Ask for the present objects as `added` events, closed by a ``WatchEvent/bookmark(resourceVersion:isEndOfInitialEvents:)``
  /// that says so (Kubernetes: "Streaming lists"). Servers that do not know it refuse (``KubernetesError/isInvalid``)
  /// or never send that bookmark; it needs ``allowBookmarks``.
  public var sendInitialEvents: Bool?
  /// How `resourceVersion` is meant; `nil` takes `NotOlderThan` with ``sendInitialEvents``, which the server demands
  /// there, and nothing otherwise.
  public var resourceVersionMatch: String?
  /// The longest silence that is taken for a living connection; `nil` waits for as long as it stays open.
  public var idleTimeout: Duration?
  /// Passes over `metadata.managedFields`, often the largest part of an object, before the object is read.
  public var omitsManagedFields: Bool

  /// Makes options; everything left out is left to the server.
  public init(
    labelSelector: String? = nil, fieldSelector: String? = nil, resourceVersion: String? = nil,
    timeoutSeconds: Int? = nil, allowBookmarks: Bool = true, sendInitialEvents: Bool? = nil,
    resourceVersionMatch: String? = nil, idleTimeout: Duration? = nil, omitsManagedFields: Bool = false
  ) {
    self.labelSelector = labelSelector
    self.fieldSelector = fieldSelector
    self.resourceVersion = resourceVersion
    self.timeoutSeconds = timeoutSeconds
    self.allowBookmarks = allowBookmarks
    self.sendInitialEvents = sendInitialEvents
    self.resourceVersionMatch = resourceVersionMatch
    self.idleTimeout = idleTimeout
    self.omitsManagedFields = omitsManagedFields
  }

  var query: [(name: String, value: String)] {
    queryItems([
      ("watch", "true"), ("labelSelector", labelSelector), ("fieldSelector", fieldSelector),
      ("resourceVersion", resourceVersion), ("timeoutSeconds", timeoutSeconds.map { String($0) }),
      ("allowWatchBookmarks", allowBookmarks ? "true" : nil),
      ("sendInitialEvents", sendInitialEvents.map { String($0) }),
      // The API server refuses sendInitialEvents, true or false, without this very value (KEP-3157, streaming lists).
      ("resourceVersionMatch", resourceVersionMatch ?? sendInitialEvents.map { _ in "NotOlderThan" }),
    ])
  }
}

/// How a write is to be made.
public struct WriteOptions: Sendable, Hashable {
  /// The name under which the written fields are owned; `nil` lets the server take it from the user agent.
  public var fieldManager: String?
  /// Go through admission and validation, but store nothing.
  public var dryRun: Bool
  /// `Strict` refuses unknown and repeated fields, `Warn` (the server's default) and `Ignore` let them pass.
  public var fieldValidation: String?

  /// Makes options.
  public init(fieldManager: String? = nil, dryRun: Bool = false, fieldValidation: String? = nil) {
    self.fieldManager = fieldManager
    self.dryRun = dryRun
    self.fieldValidation = fieldValidation
  }

  var query: [(name: String, value: String)] {
    queryItems([
      ("fieldManager", fieldManager), ("dryRun", dryRun ? "All" : nil), ("fieldValidation", fieldValidation),
    ])
  }
}

/// How an object is to be deleted (Kubernetes: "Garbage collection").
public struct DeleteOptions: Sendable, Hashable {
  /// What becomes of the objects that the deleted one owns.
  public enum Propagation: String, Sendable, Hashable {
    /// The owner goes at once, what it owns follows.
    case background = "Background"
    /// What it owns goes first.
    case foreground = "Foreground"
    /// What it owns stays.
    case orphan = "Orphan"
  }

  /// What becomes of owned objects; `nil` takes the type's default.
  public var propagation: Propagation?
  /// Seconds that a pod gets to end; 0 kills.
  public var gracePeriodSeconds: Int?
  /// Delete only the object of this uid, and not another that has taken its name since.
  public var uid: String?
  /// Delete only the object at this version.
  public var resourceVersion: String?
  /// Go through admission and validation, but delete nothing.
  public var dryRun: Bool

  /// Makes options.
  public init(
    propagation: Propagation? = nil, gracePeriodSeconds: Int? = nil, uid: String? = nil,
    resourceVersion: String? = nil, dryRun: Bool = false
  ) {
    self.propagation = propagation
    self.gracePeriodSeconds = gracePeriodSeconds
    self.uid = uid
    self.resourceVersion = resourceVersion
    self.dryRun = dryRun
  }

  var body: JSONValue {
    var body: JSONValue = ["apiVersion": "v1", "kind": "DeleteOptions"]
    if let propagation { body["propagationPolicy"] = .string(propagation.rawValue) }
    if let gracePeriodSeconds { body["gracePeriodSeconds"] = .integer(Int64(gracePeriodSeconds)) }
    if let uid { body.set(.string(uid), at: ["preconditions", "uid"]) }
    if let resourceVersion { body.set(.string(resourceVersion), at: ["preconditions", "resourceVersion"]) }
    if dryRun { body["dryRun"] = ["All"] }
    return body
  }
}

/// The four patch formats of the Kubernetes API.
public enum Patch: Sendable, Hashable {
  /// RFC 6902: a list of operations.
  case json([JSONValue])
  /// RFC 7386: a partial object; `null` removes, lists are replaced whole.
  case merge(JSONValue)
  /// As `merge`, with lists merged by key where the type says so; built-in types only.
  case strategicMerge(JSONValue)
  /// Server-side apply: every field that the field manager means to own. `force` takes fields over from others.
  case apply(JSONValue, force: Bool)

  var contentType: String {
    switch self {
    case .json: "application/json-patch+json"
    case .merge: "application/merge-patch+json"
    case .strategicMerge: "application/strategic-merge-patch+json"
    case .apply: "application/apply-patch+yaml"
    }
  }

  var body: [UInt8] {
    switch self {
    case .json(let operations): JSONValue.array(operations).serialized()
    // JSON is YAML, so an apply patch needs no other form.
    case .merge(let value), .strategicMerge(let value), .apply(let value, _): value.serialized()
    }
  }
}

/// Drops the items without a value.
func queryItems(_ items: [(String, String?)]) -> [(name: String, value: String)] {
  items.compactMap { item in item.1.map { (name: item.0, value: $0) } }
}
