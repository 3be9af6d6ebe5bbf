import KubernetesClient
import KubernetesModels
import NIOCore

extension APIServer {
  /// Streams changes (API concepts: "Efficient detection of changes" and "Streaming lists").
  func watch(_ call: Call) throws(APIStatusError) -> KubernetesResponse {
    let filter = try ReadFilter(call)
    let wantsInitial = call.text("sendInitialEvents")
    if wantsInitial != nil, call.text("resourceVersionMatch") != "NotOlderThan" {
      throw APIStatusError.badRequest(
        "sendInitialEvents: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    }
    let requested = try call.text("resourceVersion").map(Self.revision) ?? 0
    let timeout =
      try call.number("timeoutSeconds").map { Duration.seconds($0) } ?? .seconds(Int.random(in: 1800..<3600))
    let initial = wantsInitial.map { $0 == "true" } ?? (requested == 0)
    var start = requested
    var first: [StoredObject] = []
    if initial {
      let all = store.list(call.info.storage, namespace: filter.namespace)
      first = all.objects.filter { filter.matches($0, call.info) }
      start = all.revision
    } else if requested == 0 {
      start = store.revision
    }
    // A revision from the future belongs to a server that is gone: listing again is the only cure.
    let expired = start > store.revision
    let body = WatchBody(
      encoder: WatchEncoder(info: call.info, form: call.form, include: call.text("includeObject")), filter: filter,
      cursor: WatchCursor(store: store, key: call.info.storage, revision: expired ? 0 : start), initial: first,
      announcesInitialEnd: wantsInitial == "true", allowsBookmarks: call.flag("allowWatchBookmarks"),
      bookmarkInterval: configuration.bookmarkInterval, deadline: ContinuousClock.now + timeout,
      refusal: expired ? .expired(start, current: store.revision) : nil)
    return KubernetesResponse(
      status: 200, headers: [("Content-Type", "application/json")], body: ResponseBody(body))
  }
}

/// Turns store events into the lines of a watch.
struct WatchEncoder: Sendable {
  let info: ResourceInfo
  let form: Negotiation.Form
  let include: String?
  /// A watch of Tables names its columns once.
  private var columnsSent = false

  init(info: ResourceInfo, form: Negotiation.Form, include: String?) {
    self.info = info
    self.form = form
    self.include = include
  }

  mutating func append(_ type: String, _ object: StoredObject, to buffer: inout ByteBuffer) {
    buffer.writeString("{\"type\":\"\(type)\",\"object\":")
    switch form {
    case .table:
      let table = Table(info, include: include)
      buffer.writeBytes(table.document([info.present(object)], withColumns: !columnsSent).serialized())
      columnsSent = true
    case .partialMetadata:
      let json: JSONValue = [
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": info.present(object)["metadata"] ?? [:],
      ]
      buffer.writeBytes(json.serialized())
    default: buffer.writeBytes(info.bytes(object))
    }
    buffer.writeString("}\n")
  }

  func appendBookmark(_ revision: UInt64, endsInitial: Bool, to buffer: inout ByteBuffer) {
    var metadata: JSONValue = ["resourceVersion": .string(String(revision)), "creationTimestamp": .null]
    if endsInitial { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
    let object: JSONValue
    switch form {
    case .table:
      object = [
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": .null, "rows": [],
      ]
    case .partialMetadata:
      object = ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata]
    default: object = ["kind": .string(info.kind), "apiVersion": .string(info.apiVersion), "metadata": metadata]
    }
    appendLine("BOOKMARK", object, to: &buffer)
  }

  func appendError(_ error: APIStatusError, to buffer: inout ByteBuffer) {
    appendLine("ERROR", error.status, to: &buffer)
  }

  private func appendLine(_ type: String, _ object: JSONValue, to buffer: inout ByteBuffer) {
    buffer.writeString("{\"type\":\"\(type)\",\"object\":")
    buffer.writeBytes(object.serialized())
    buffer.writeString("}\n")
  }
}

/// The body of a watch response. It only reads on when its reader asks for more.
struct WatchBody: AsyncSequence, Sendable {
  typealias Element = ByteBuffer
  typealias Failure = Never

  let encoder: WatchEncoder
  let filter: ReadFilter
  let cursor: WatchCursor
  let initial: [StoredObject]
  let announcesInitialEnd: Bool
  let allowsBookmarks: Bool
  let bookmarkInterval: Duration
  let deadline: ContinuousClock.Instant
  let refusal: APIStatusError?

  func makeAsyncIterator() -> Iterator { Iterator(self) }

  struct Iterator: AsyncIteratorProtocol {
    /// Several events go into one chunk up to this size.
    private static let chunkSize = 64 << 10

    private let body: WatchBody
    private var encoder: WatchEncoder
    private var cursor: WatchCursor
    private var initial: ArraySlice<StoredObject>
    private var owesInitialEnd: Bool
    private var nextBookmark: ContinuousClock.Instant
    private var isDone = false

    init(_ body: WatchBody) {
      self.body = body
      encoder = body.encoder
      cursor = body.cursor
      initial = body.initial[...]
      owesInitialEnd = body.announcesInitialEnd
      nextBookmark = ContinuousClock.now + body.bookmarkInterval
    }

    mutating func next() async -> ByteBuffer? {
      guard !isDone else { return nil }
      var buffer = ByteBuffer()
      if let refusal = body.refusal { return fail(refusal, &buffer) }
      if !initial.isEmpty {
        while buffer.readableBytes < Self.chunkSize, let object = initial.popFirst() {
          encoder.append("ADDED", object, to: &buffer)
        }
        return buffer
      }
      if owesInitialEnd {
        owesInitialEnd = false
        encoder.appendBookmark(cursor.revision, endsInitial: true, to: &buffer)
        return buffer
      }
      while true {
        switch await cursor.next(until: body.allowsBookmarks ? Swift.min(nextBookmark, body.deadline) : body.deadline) {
        case .tooOld(let current): return fail(.expired(cursor.revision, current: current), &buffer)
        case .events(let events):
          for event in events { encode(event, &buffer) }
          if buffer.readableBytes > 0 { return buffer }
        case .idle:
          let now = ContinuousClock.now
          if Task.isCancelled || cursor.store.isClosed || now >= body.deadline {
            isDone = true
            return nil
          }
          guard body.allowsBookmarks, now >= nextBookmark else { continue }
          nextBookmark = now + body.bookmarkInterval
          encoder.appendBookmark(cursor.revision, endsInitial: false, to: &buffer)
          return buffer
        }
      }
    }

    private mutating func fail(_ error: APIStatusError, _ buffer: inout ByteBuffer) -> ByteBuffer {
      isDone = true
      encoder.appendError(error, to: &buffer)
      return buffer
    }

    /// An object that starts or stops matching the selectors is one that appears or vanishes.
    private mutating func encode(_ event: StoreEvent, _ buffer: inout ByteBuffer) {
      let info = encoder.info
      let matched = event.previous.map { body.filter.matches($0, info) } ?? false
      switch event.kind {
      case .deleted:
        if matched { encoder.append("DELETED", event.object, to: &buffer) }
      case .added, .modified:
        switch (matched, body.filter.matches(event.object, info)) {
        case (false, true): encoder.append("ADDED", event.object, to: &buffer)
        case (true, true): encoder.append("MODIFIED", event.object, to: &buffer)
        case (true, false):
          // Watchers of a selector see the last state that matched, at the revision of the change.
          let last = event.previous.map { StoredObject(name: $0.name, json: $0.json, revision: event.revision) }
          encoder.append("DELETED", last ?? event.object, to: &buffer)
        case (false, false): break
        }
      }
    }
  }
}
