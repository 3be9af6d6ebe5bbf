import KubernetesClient
import KubernetesModels
import Synchronization

/// A few verbs over a dictionary: objects by path, one resource version for all, conflicts for old versions.
final class FakeServer: KubernetesTransport {
  struct State {
    var objects: [String: JSONValue] = [:]
    var version = 0
    var writes: [String] = []
    var isUnreachable = false
  }

  let state = Mutex(State())

  var writes: [String] { state.withLock { $0.writes } }

  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    try state.withLock { state in
      if state.isUnreachable {
        throw KubernetesError.transport(TransportFailure(kind: .refused, server: "fake", message: "down"))
      }
      if request.method != .get { state.writes.append("\(request.method.rawValue) \(request.path)") }
      let body = try request.body.map { try JSONValue(parsing: $0) } ?? .null
      switch request.method {
      case .get:
        guard let object = state.objects[request.path] else { return Self.refusal(404, "NotFound") }
        return Self.answer(200, object)
      case .post:
        let path = request.path + "/" + (body.value(at: ["metadata", "name"])?.stringValue ?? "")
        guard state.objects[path] == nil else { return Self.refusal(409, "AlreadyExists") }
        return Self.answer(201, Self.store(body, path, &state))
      case .put:
        guard let old = state.objects[request.path] else { return Self.refusal(404, "NotFound") }
        let given = body.value(at: ["metadata", "resourceVersion"])
        guard given == nil || given == old.value(at: ["metadata", "resourceVersion"]) else {
          return Self.refusal(409, "Conflict")
        }
        return Self.answer(200, Self.store(body, request.path, &state))
      case .patch:
        // An apply of a whole object; merging is not what these tests are about.
        return Self.answer(200, Self.store(body, request.path, &state))
      case .delete:
        state.objects[request.path] = nil
        return Self.answer(200, ["kind": "Status", "status": "Success"])
      case .head: return Self.refusal(405, "MethodNotAllowed")
      }
    }
  }

  func shutdown() async throws {}

  private static func store(_ object: JSONValue, _ path: String, _ state: inout State) -> JSONValue {
    state.version += 1
    var object = object
    object.set(.string("\(state.version)"), at: ["metadata", "resourceVersion"])
    if object.value(at: ["metadata", "uid"]) == nil { object.set("uid-\(state.version)", at: ["metadata", "uid"]) }
    state.objects[path] = object
    return object
  }

  private static func answer(_ status: Int, _ body: JSONValue) -> KubernetesResponse {
    KubernetesResponse(status: status, headers: [], body: ResponseBody(bytes: body.serialized()))
  }

  private static func refusal(_ code: Int, _ reason: String) -> KubernetesResponse {
    answer(
      code,
      [
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": .integer(Int64(code)),
        "reason": .string(reason), "message": .string(reason),
      ])
  }
}

/// One client's way to the server, which a test can cut: requests then hang until they are cancelled.
struct Cable: KubernetesTransport {
  final class Switch: Sendable {
    let isCut = Mutex(false)
    func cut() { isCut.withLock { $0 = true } }
    func mend() { isCut.withLock { $0 = false } }
  }

  let server: FakeServer
  let plug = Switch()

  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    if plug.isCut.withLock({ $0 }) {
      let silence = AsyncStream<Never> { _ in }
      for await _ in silence {}
      throw CancellationError()
    }
    return try await server.send(request)
  }

  func shutdown() async throws {}
}
