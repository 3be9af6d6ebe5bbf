import KubernetesClient
import KubernetesModels
import Synchronization

/// An answer as it stands on the wire.
struct Answer: Sendable {
  var status: Int
  var json: JSONValue
  var headers: [(name: String, value: String)]

  var message: String { json["message"]?.stringValue ?? "" }
  var reason: String { json["reason"]?.stringValue ?? "" }
  var warnings: [String] { headers.filter { $0.name.lowercased() == "warning" }.map(\.value) }
  func text(_ path: String...) -> String? { json.value(at: path)?.stringValue }
  func number(_ path: String...) -> Int? { json.value(at: path)?.intValue }
}

extension KubernetesClient {
  /// Speaks to the server by path, as a script would with curl: no retries, no errors for refusals.
  func call(
    _ method: RequestMethod, _ path: String, query: [(name: String, value: String)] = [], body: JSONValue? = nil,
    text: String? = nil, type: String = "application/json", accept: String = "application/json"
  ) async throws -> Answer {
    let bytes = text.map { Array($0.utf8) } ?? body?.serialized()
    var headers = [(name: "Accept", value: accept)]
    if bytes != nil { headers.append((name: "Content-Type", value: type)) }
    let response = try await raw(
      KubernetesRequest(
        method: method, path: path, query: query, headers: headers, body: bytes, timeout: .seconds(30)))
    let answer = try await response.body.collect(upTo: 64 << 20)
    return Answer(
      status: response.status,
      json: (try? JSONValue(parsing: answer)) ?? .string(String(decoding: answer, as: UTF8.self)),
      headers: response.headers)
  }
}

/// Hands requests on, counts the writes among them and can meddle with them first.
final class RecordingTransport: KubernetesTransport {
  typealias Meddler = @Sendable (inout KubernetesRequest) -> Void

  private let base: any KubernetesTransport
  private let meddle: Meddler
  private let requests = Mutex<[KubernetesRequest]>([])

  init(_ base: any KubernetesTransport, meddle: @escaping Meddler = { _ in }) {
    self.base = base
    self.meddle = meddle
  }

  /// `METHOD path` of every request that is no read, in order.
  var writes: [String] {
    requests.withLock { $0.filter { !$0.method.isRead }.map { "\($0.method.rawValue) \($0.path)" } }
  }

  /// The targets of all watches, in order.
  var watches: [String] {
    requests.withLock { $0.filter { $0.query.contains { $0.name == "watch" } }.map(\.target) }
  }

  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    var request = request
    meddle(&request)
    requests.withLock { $0.append(request) }
    return try await base.send(request)
  }

  /// The base is shared: it is not this transport's to close.
  func shutdown() async throws {}
}
