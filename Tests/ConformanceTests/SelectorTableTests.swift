import KubernetesClient
import KubernetesModels
import Testing

/// Label selectors one by one (Kubernetes: "Labels and Selectors").
@Suite(.timeLimit(.minutes(2))) struct SelectorTableTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var selector: String
    /// `nil`: refused.
    var names: [String]?
    var testDescription: String { selector }
  }

  static let labels: KeyValuePairs<String, [String: String]> = [
    "a": ["app": "web", "env": "prod"], "b": ["app": "api", "env": "prod", "example.com/size": "2"],
    "c": ["app": "web", "empty": ""], "d": [:],
  ]

  static let cases = [
    Case(selector: "app", names: ["a", "b", "c"]), Case(selector: "!app", names: ["d"]),
    Case(selector: "app=web", names: ["a", "c"]), Case(selector: "app == web", names: ["a", "c"]),
    Case(selector: "app=web,app=api", names: []), Case(selector: "app!=web", names: ["b", "d"]),
    Case(selector: "app in (web)", names: ["a", "c"]), Case(selector: "app in (api, web),env", names: ["a", "b"]),
    Case(selector: "app notin (api)", names: ["a", "c", "d"]), Case(selector: "empty=", names: ["c"]),
    Case(selector: "empty", names: ["c"]), Case(selector: "example.com/size=2", names: ["b"]),
    Case(selector: "example.com/size>1", names: ["b"]), Case(selector: "example.com/size<2", names: []),
    Case(selector: "env in (prod),!empty", names: ["a", "b"]), Case(selector: "", names: ["a", "b", "c", "d"]),
    Case(selector: "app in ()", names: []), Case(selector: "app=web=x", names: nil), Case(selector: "=web", names: nil),
    Case(selector: "app in web", names: nil), Case(selector: "a b", names: nil),
    Case(selector: "app=\(String(repeating: "x", count: 64))", names: nil),
  ]

  @Test(arguments: Servers.atHand, cases) func selectorChooses(_ kind: Servers, _ each: Case) async throws {
    let server = try await kind.start()
    let namespace = try await Fixture.shared.namespace(server)
    let options = ListOptions(labelSelector: each.selector)
    guard let names = each.names else {
      let error = try await refusal { try await server.client.list(ConfigMap.self, in: namespace, options: options) }
      #expect(error.statusCode == 400)
      return
    }
    let list = try await server.client.list(ConfigMap.self, in: namespace, options: options)
    #expect(list.items.compactMap(\.metadata.name) == names)
  }

  private actor Fixture {
    static let shared = Fixture()
    private let made = Memo<Servers, String>()

    func namespace(_ server: TestServer) async throws -> String {
      try await made.value(for: server.kind) {
        let namespace = try await server.namespace()
        for (name, labels) in SelectorTableTests.labels {
          try await server.client.create(configMap(name, in: namespace, labels: labels))
        }
        return namespace
      }
    }
  }
}
