import KubernetesModels
import Testing

@testable import KubernetesClient

struct ErrorTests {
  private static func error(_ answer: KubernetesResponse) async throws -> KubernetesError {
    let client = KubernetesClient(transport: FakeTransport([answer]))
    do {
      _ = try await client.get(ConfigMap.self, "a", in: "rtx")
    } catch let error as KubernetesError {
      return error
    }
    throw KubernetesError.invalidRequest("the call did not fail")
  }

  @Test func statusCodesAndReasonsAreToldApart() async throws {
    #expect(try await Self.error(.refusal(404, "NotFound")).isNotFound)
    let conflict = try await Self.error(.refusal(409, "Conflict"))
    #expect(conflict.isConflict && !conflict.isAlreadyExists)
    let exists = try await Self.error(.refusal(409, "AlreadyExists"))
    #expect(exists.isAlreadyExists && !exists.isConflict)
    #expect(try await Self.error(.refusal(403, "Forbidden")).isForbidden)
    #expect(try await Self.error(.refusal(422, "Invalid")).isInvalid)
    #expect(try await Self.error(.refusal(410, "Gone")).isGone)
  }

  @Test func aRefusalOfSomethingElseThanAnAPIServerIsStillAStatus() async throws {
    let html = KubernetesResponse(
      status: 502, body: ResponseBody(bytes: Array("<html>Bad Gateway\nmore</html>".utf8)))
    let error = try await Self.error(html)
    #expect(error.statusCode == 502 && error.isServerTrouble && error.isTransient)
    #expect(error.description.contains("GET /api/v1/namespaces/rtx/configmaps/a: HTTP 502, <html>Bad Gateway;"))
  }

  @Test func theDescriptionSaysWhatAndWhatToDo() async throws {
    let message = "configmaps \"a\" is forbidden: User \"u\" cannot get resource \"configmaps\""
    let forbidden = try await Self.error(.refusal(403, "Forbidden", message))
    #expect(
      forbidden.description == "the API server refused (403 Forbidden): \(message); "
        + "the account lacks the permission: add the verb to its Role or ClusterRole")
  }

  @Test func anAnswerThatIsNotJSONSaysSo() async throws {
    let error = try await Self.error(KubernetesResponse(status: 200, body: ResponseBody(bytes: Array("hello".utf8))))
    guard case .decoding(let text) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(text.contains("/api/v1/namespaces/rtx/configmaps/a"))
  }

  @Test func aRequestIsPrintedWithoutItsSecrets() {
    let request = KubernetesRequest(
      method: .post, path: "/api/v1/secrets", query: [("a", "b c")], headers: [("Authorization", "Bearer s3cret")],
      body: Array("s3cret".utf8))
    #expect("\(request)" == "POST /api/v1/secrets?a=b%20c")
  }

  @Test func tooManyRequestsAreWaitedOutAlsoForWrites() async throws {
    let transport = FakeTransport([
      .refusal(429, "TooManyRequests", headers: [(name: "retry-after", value: "0")]), .json(configMap("a")),
    ])
    let client = KubernetesClient(transport: transport)
    try await client.create(ConfigMap.resourceType, DynamicObject(configMap("a")))
    #expect(transport.requests.count == 2)
  }

  @Test func anUnavailableServerIsAskedAgainOnlyByReads() async throws {
    let answers: [KubernetesResponse] = [
      .refusal(503, "ServiceUnavailable", headers: [(name: "Retry-After", value: "0")]), .json(configMap("a")),
    ]
    let reading = FakeTransport(answers)
    _ = try await KubernetesClient(transport: reading).get(ConfigMap.self, "a", in: "rtx")
    #expect(reading.requests.count == 2)
    let writing = FakeTransport(answers)
    await #expect(throws: KubernetesError.self) {
      try await KubernetesClient(transport: writing).create(ConfigMap.resourceType, DynamicObject(configMap("a")))
    }
    #expect(writing.requests.count == 1)
  }

  @Test func aLongWaitIsTheCallersDecision() async throws {
    let transport = FakeTransport([.refusal(429, "TooManyRequests", headers: [(name: "Retry-After", value: "600")])])
    await #expect {
      _ = try await KubernetesClient(transport: transport).get(ConfigMap.self, "a", in: "rtx")
    } throws: { ($0 as? KubernetesError)?.retryAfter == .seconds(600) }
    #expect(transport.requests.count == 1)
  }

  @Test func triesAreBounded() async throws {
    let transport = FakeTransport([.refusal(429, "TooManyRequests", headers: [(name: "Retry-After", value: "0")])])
    await #expect(throws: KubernetesError.self) {
      _ = try await KubernetesClient(transport: transport).get(ConfigMap.self, "a", in: "rtx")
    }
    #expect(transport.requests.count == RetryPolicy().maximumAttempts)
  }

  @Test func anEvictionThatABudgetForbidsIsReportedAtOnce() async throws {
    let transport = FakeTransport([.refusal(429, "TooManyRequests", headers: [(name: "Retry-After", value: "0")])])
    await #expect {
      try await KubernetesClient(transport: transport).evict(pod: "p", in: "rtx")
    } throws: { ($0 as? KubernetesError)?.isTooManyRequests == true }
    #expect(transport.requests.count == 1)
  }

  @Test func aBrokenConnectionIsRepeatedForReadsOnly() async throws {
    let broken = KubernetesError.transport(.init(kind: .closed, server: "https://a", message: "reset"))
    let transport = FakeTransport { _, index in
      if index == 0 { throw broken }
      return .json(configMap("a"))
    }
    let client = KubernetesClient(transport: transport)
    _ = try await client.get(ConfigMap.self, "a", in: "rtx")
    #expect(transport.requests.count == 2)
    let writing = FakeTransport { _, _ in throw broken }
    await #expect(throws: KubernetesError.self) {
      try await KubernetesClient(transport: writing).create(ConfigMap.resourceType, DynamicObject(configMap("a")))
    }
    #expect(writing.requests.count == 1)
  }
}
