import KubernetesModels
import NIOCore

/// The changes of a collection as they happen.
///
/// The request is sent when iteration starts. The sequence ends when the server ends the watch, which it does every so
/// often: watch again from the last version seen. It throws ``KubernetesError`` when the watch is refused, when the
/// server reports an error in the stream (``KubernetesError/isGone``: list again), when the stream is no stream of
/// events, or when the connection breaks. An object that does not fit its type is an event of its own
/// (``WatchEvent/undecodable(_:)``), and the watch goes on. Cancelling the task, or leaving the loop, closes the
/// connection.
public struct WatchStream<Object: Sendable>: AsyncSequence, Sendable {
  public typealias Element = WatchEvent<Object>
  public typealias Failure = any Error

  /// The longest event that is accepted, in bytes. etcd stores objects up to about 1.5 MB.
  static var eventLimit: Int { 16 << 20 }

  private let client: KubernetesClient
  private let type: ResourceType
  private let namespace: String?
  private let options: WatchOptions
  private let accept: String
  private let decode: @Sendable (JSONValue) throws -> Object

  init(
    client: KubernetesClient, type: ResourceType, namespace: String?, options: WatchOptions,
    accept: String = "application/json", decode: @escaping @Sendable (JSONValue) throws -> Object
  ) {
    self.client = client
    self.type = type
    self.namespace = namespace
    self.options = options
    self.accept = accept
    self.decode = decode
  }

  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(stream: self)
  }

  /// Opens the watch and reads its events.
  public struct AsyncIterator: AsyncIteratorProtocol {
    private let stream: WatchStream
    private var reader: ChunkReader?
    private var frames = LineFrames(limit: WatchStream.eventLimit)
    private var ended = false

    fileprivate init(stream: WatchStream) { self.stream = stream }

    public mutating func next() async throws -> WatchEvent<Object>? {
      guard !ended else { return nil }
      do {
        let event = try await nextEvent()
        if event == nil { close() }
        return event
      } catch {
        close()
        // Whatever the transport makes of a cancelled task, the caller sees one thing.
        throw Task.isCancelled ? CancellationError() : error
      }
    }

    private mutating func close() {
      ended = true
      reader = nil
    }

    private mutating func nextEvent() async throws -> WatchEvent<Object>? {
      let reader: ChunkReader
      if let open = self.reader {
        reader = open
      } else {
        reader = try await stream.open()
        self.reader = reader
      }
      while true {
        while let line = try frames.next() {
          if let event = try stream.event(in: line) { return event }
        }
        guard let chunk = try await reader.next() else {
          try Task.checkCancellation()
          // A last event without its newline is whole or it is not JSON; the latter means a broken connection.
          return try frames.remainder().flatMap { try stream.event(in: $0) }
        }
        frames.append(chunk)
      }
    }
  }
}

extension WatchStream {
  /// An API server answers a watch at once, with or without changes, so that a missing head means a dead server.
  fileprivate func open() async throws -> ChunkReader {
    let path = ResourcePath.collection(type, namespace: namespace)
    var request = client.request(.get, path, query: options.query).accepting(accept)
    let limit = request.timeout ?? .seconds(60)
    request.timeout = nil
    let opening = request
    let response = try await withTimeout(limit, or: .timeout("watch of \(path): no answer within \(limit)")) {
      try await client.accepted(opening)
    }
    return ChunkReader(response.body, idleTimeout: options.idleTimeout, what: "watch of \(path)")
  }

  /// - Returns: `nil` for an event type that this client does not know.
  /// - Throws: the `Status` of an ERROR event; ``KubernetesError/decoding(_:)``.
  fileprivate func event(in line: [UInt8]) throws -> WatchEvent<Object>? {
    guard !line.isEmpty else { return nil }
    let frame: JSONValue
    do {
      frame = try JSONValue(
        parsing: line, omittingManagedFields: options.omitsManagedFields || client.omitsManagedFields)
    } catch {
      throw KubernetesError.decoding("watch of \(type.plural): an event is not JSON (\(error)); watch again")
    }
    guard let kind = frame["type"]?.stringValue, let object = frame["object"] else {
      throw KubernetesError.decoding("watch of \(type.plural): an event has no type or no object; watch again")
    }
    switch kind {
    case "ADDED": return change(.added, object) { .added($0) }
    case "MODIFIED": return change(.modified, object) { .modified($0) }
    case "DELETED": return change(.deleted, object) { .deleted($0) }
    case "BOOKMARK":
      guard let version = object.value(at: ["metadata", "resourceVersion"])?.stringValue else { return nil }
      let mark = object.value(at: ["metadata", "annotations", "k8s.io/initial-events-end"])?.stringValue
      return .bookmark(resourceVersion: version, isEndOfInitialEvents: mark == "true")
    case "ERROR": throw KubernetesError(statusObject: object, code: 500)
    default: return nil
    }
  }

  private func change(
    _ change: UndecodableObject.Change, _ object: JSONValue, _ event: (Object) -> WatchEvent<Object>
  ) -> WatchEvent<Object> {
    do {
      return event(try decode(KubernetesClient.stamped(object, type)))
    } catch {
      return .undecodable(UndecodableObject(object, type, change, problem: "\(error)"))
    }
  }
}
