import KubernetesModels
import NIOCore
import Synchronization

@testable import KubernetesClient

/// The wire, in memory: answers each request by a closure and remembers what was asked.
final class FakeTransport: KubernetesTransport {
  private let answer: @Sendable (KubernetesRequest, Int) async throws -> KubernetesResponse
  private let seen = Mutex<[KubernetesRequest]>([])

  /// The closure gets the request and how many came before it.
  init(_ answer: @escaping @Sendable (KubernetesRequest, Int) async throws -> KubernetesResponse) {
    self.answer = answer
  }

  convenience init(_ answers: [KubernetesResponse]) {
    self.init { _, index in answers[min(index, answers.count - 1)] }
  }

  var requests: [KubernetesRequest] { seen.withLock { $0 } }

  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    let index = seen.withLock { seen in
      seen.append(request)
      return seen.count - 1
    }
    return try await answer(request, index)
  }

  func shutdown() async throws {}
}

extension KubernetesResponse {
  static func json(
    _ value: JSONValue, status: Int = 200, headers: [(name: String, value: String)] = []
  ) -> Self {
    KubernetesResponse(status: status, headers: headers, body: ResponseBody(bytes: value.serialized()))
  }

  static func refusal(
    _ code: Int, _ reason: String, _ message: String = "no", headers: [(name: String, value: String)] = []
  ) -> Self {
    .json(
      [
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": .string(reason),
        "message": .string(message), "code": .integer(Int64(code)),
      ], status: code, headers: headers)
  }

  /// A streamed body of these chunks.
  static func chunks(_ chunks: [String]) -> Self {
    KubernetesResponse(
      status: 200,
      body: ResponseBody(
        AsyncStream<ByteBuffer> { continuation in
          for chunk in chunks { continuation.yield(ByteBuffer(string: chunk)) }
          continuation.finish()
        }))
  }
}

func configMap(_ name: String, version: String = "1", data: [String: JSONValue] = [:]) -> JSONValue {
  [
    "apiVersion": "v1", "kind": "ConfigMap",
    "metadata": ["name": .string(name), "namespace": "rtx", "resourceVersion": .string(version)],
    "data": .object(data),
  ]
}

/// Polls a condition until it holds or the deadline is over.
func eventually(within limit: Duration = .seconds(30), _ condition: () async -> Bool) async -> Bool {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if await condition() { return true }
    try? await Task.sleep(for: .milliseconds(2))
  }
  return await condition()
}

/// A value that closures of several tasks share.
final class Shared<Value: Sendable>: Sendable {
  private let storage: Mutex<Value>
  init(_ value: Value) { storage = Mutex(value) }
  var value: Value {
    get { storage.withLock { $0 } }
    set { storage.withLock { $0 = newValue } }
  }
  func change(_ body: @Sendable (inout Value) -> Void) { storage.withLock { body(&$0) } }
}
