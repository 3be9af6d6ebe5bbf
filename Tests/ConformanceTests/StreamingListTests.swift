import KubernetesClient
import KubernetesModels
import Testing

/// Lists as watches (Kubernetes: "Streaming lists").
@Suite(.timeLimit(.minutes(2))) struct StreamingListTests {
  private func names(_ seen: [WatchEvent<ConfigMap>]) -> [String] { seen.compactMap { $0.object?.metadata.name } }

  private static func isEnd<Object>(_ event: WatchEvent<Object>) -> Bool {
    if case .bookmark(_, isEndOfInitialEvents: true) = event { true } else { false }
  }

  @Test(arguments: Servers.atHand) func selectionEndsWithItsOwnBookmark(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    for name in ["a", "b", "c"] {
      try await server.client.create(configMap(name, in: namespace, labels: ["odd": name == "b" ? "no" : "yes"]))
    }
    let seen = try await events(
      server.client.watch(
        ConfigMap.self, in: namespace, options: WatchOptions(labelSelector: "odd=yes", sendInitialEvents: true)),
      until: { $0.contains { Self.isEnd($0) } })
    #expect(names(seen).sorted() == ["a", "c"])
    #expect(seen.filter { Self.isEnd($0) }.count == 1 && seen.last.map { Self.isEnd($0) } == true)
  }

  @Test(arguments: Servers.atHand) func nothingThereEndsAtOnce(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let seen = try await events(
      server.client.watch(ConfigMap.self, in: namespace, options: WatchOptions(sendInitialEvents: true)),
      until: { $0.contains { Self.isEnd($0) } })
    #expect(names(seen).isEmpty)
  }

  @Test(arguments: Servers.atHand) func changesFollowTheEnd(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    try await client.create(configMap("a", in: namespace))
    let reader = Task {
      var iterator = client.watch(
        ConfigMap.self, in: namespace, options: WatchOptions(sendInitialEvents: true)
      ).makeAsyncIterator()
      var seen: [WatchEvent<ConfigMap>] = []
      while let event = try await iterator.next() {
        seen.append(event)
        if Self.isEnd(event) { try await client.create(configMap("b", in: namespace)) }
        if event.object?.metadata.name == "b" { break }
      }
      return seen
    }
    let seen = try await reader.value
    #expect(names(seen) == ["a", "b"])
    guard case .added = seen.last else {
      Issue.record("\(seen)")
      return
    }
    // The version of the end is one to go on from.
    let end = seen.compactMap { event -> String? in
      if case .bookmark(let version, true) = event { version } else { nil }
    }.first
    let again = try await events(
      client.watch(ConfigMap.self, in: namespace, options: WatchOptions(resourceVersion: end)),
      until: { $0.contains { $0.object != nil } })
    #expect(names(again) == ["b"])
  }

  @Test(arguments: Servers.atHand) func metadataStreamsToo(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    try await server.client.create(configMap("a", in: namespace, ["n": "1"]))
    let seen = try await events(
      server.client.watchMetadata(ConfigMap.self, in: namespace, options: WatchOptions(sendInitialEvents: true)),
      until: { $0.contains { Self.isEnd($0) } })
    #expect(seen.compactMap { $0.object?.metadata.name } == ["a"])
  }

  @Test(arguments: Servers.atHand) func customResourcesStream(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let widgets = Widgets()
    try await server.install(definition: widgets.definition)
    for name in ["a", "b"] { try await server.client.create(widgets.type, widgets.object(name, in: namespace)) }
    let seen = try await events(
      server.client.watch(widgets.type, in: namespace, options: WatchOptions(sendInitialEvents: true)),
      until: { $0.contains { Self.isEnd($0) } })
    #expect(seen.compactMap { $0.object?.name }.sorted() == ["a", "b"])
  }

  @Test(arguments: Servers.atHand) func withoutInitialEventsOnlyChangesCome(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    try await client.create(configMap("a", in: namespace))
    let start = try await client.list(ConfigMap.self, in: namespace).resourceVersion
    try await client.create(configMap("b", in: namespace))
    let seen = try await events(
      client.watch(
        ConfigMap.self, in: namespace, options: WatchOptions(resourceVersion: start, sendInitialEvents: false)),
      until: { $0.contains { $0.object != nil } })
    #expect(names(seen) == ["b"])
  }
}
