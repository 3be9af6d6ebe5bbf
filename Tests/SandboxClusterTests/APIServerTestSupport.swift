import Foundation
import KubernetesClient
import KubernetesModels
import NIOCore
import Synchronization
import Testing

@testable import SandboxCluster

/// The path of a program that PATH leads to.
func onPath(_ program: String) -> String? {
  (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }.first {
    FileManager.default.isExecutableFile(atPath: $0)
  }
}

/// Speaks to a server in the same process by path, as a script would with curl.
struct Wire {
  let server: APIServer
  var user = UserIdentity.admin

  init(_ server: APIServer, as user: UserIdentity = .admin) {
    self.server = server
    self.user = user
  }

  struct Answer {
    var status: Int
    var headers: [(name: String, value: String)]
    var json: JSONValue

    var message: String { json["message"]?.stringValue ?? "" }
    var reason: String { json["reason"]?.stringValue ?? "" }
    var warnings: [String] { headers.filter { $0.name == "Warning" }.map(\.value) }
  }

  func send(
    _ method: RequestMethod, _ target: String, _ body: JSONValue? = nil, headers: [(name: String, value: String)] = []
  ) async throws -> Answer {
    let response = await server.handle(request(method, target, body, headers), as: user)
    let bytes = try await response.body.collect(upTo: 64 << 20)
    return Answer(
      status: response.status, headers: response.headers,
      json: bytes.isEmpty ? .null : (try? JSONValue(parsing: bytes)) ?? .string(String(decoding: bytes, as: UTF8.self)))
  }

  func get(_ target: String, headers: [(name: String, value: String)] = []) async throws -> Answer {
    try await send(.get, target, headers: headers)
  }

  func create(_ target: String, _ body: JSONValue) async throws -> Answer { try await send(.post, target, body) }

  func patch(_ target: String, _ body: JSONValue, type: String = "application/merge-patch+json") async throws -> Answer
  {
    try await send(.patch, target, body, headers: [("Content-Type", type)])
  }

  /// The lines of a watch.
  func watch(_ target: String) async -> WatchLines {
    let separator = target.contains("?") ? "&" : "?"
    let response = await server.handle(request(.get, target + separator + "watch=true", nil, []), as: user)
    return WatchLines(response.body)
  }

  private func request(
    _ method: RequestMethod, _ target: String, _ body: JSONValue?, _ headers: [(name: String, value: String)]
  ) -> KubernetesRequest {
    let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
    let query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { item -> (name: String, value: String) in
      let pair = item.split(separator: "=", maxSplits: 1).map(String.init)
      return (pair[0], (pair.count > 1 ? pair[1] : "").removingPercentEncoding ?? "")
    }
    return KubernetesRequest(
      method: method, path: parts[0], query: query, headers: [("User-Agent", "tests/1.0")] + headers,
      body: body?.serialized())
  }
}

/// Set once when a deadline passes.
final class LateFlag: Sendable {
  private let flag = Mutex(false)

  var isSet: Bool { flag.withLock { $0 } }

  func set() { flag.withLock { $0 = true } }
}

/// Reads a watch event by event; each wait has a deadline.
final class WatchLines {
  struct TimedOut: Error {}

  private var events: AsyncStream<JSONValue>.Iterator
  private let reader: Task<Void, Never>
  private let isLate = LateFlag()

  init(_ body: ResponseBody) {
    let (stream, continuation) = AsyncStream<JSONValue>.makeStream()
    reader = Task {
      var rest: [UInt8] = []
      do {
        for try await chunk in body {
          rest += chunk.readableBytesView
          while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            if let line = try? JSONValue(parsing: Array(rest[..<end])) { continuation.yield(line) }
            rest.removeSubrange(...end)
          }
        }
      } catch {}
      continuation.finish()
    }
    events = stream.makeAsyncIterator()
  }

  deinit { reader.cancel() }

  /// The next event; nil at the end of the watch.
  func next() async throws -> JSONValue? {
    let (reader, isLate) = (reader, isLate)
    let deadline = Task {
      try await Task.sleep(for: .seconds(10))
      isLate.set()
      reader.cancel()
    }
    defer { deadline.cancel() }
    let event = await events.next()
    if event == nil, isLate.isSet { throw TimedOut() }
    return event
  }

  /// Type and name of the next event, as "ADDED a".
  func nextText() async throws -> String? {
    guard let event = try await next() else { return nil }
    return "\(event["type"]?.stringValue ?? "") \(event.textAt("object", "metadata", "name") ?? "")"
  }
}

func configMap(_ name: String, _ data: JSONValue = [:], labels: JSONValue = [:]) -> JSONValue {
  ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "labels": labels], "data": data]
}

func pod(_ name: String, node: String? = nil, labels: JSONValue = [:]) -> JSONValue {
  var pod: JSONValue = [
    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "labels": labels],
    "spec": ["containers": [["name": "main", "image": "example:1"]]],
  ]
  if let node { pod.set(.string(node), at: ["spec", "nodeName"]) }
  return pod
}
