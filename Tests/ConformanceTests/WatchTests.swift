import KubernetesClient
import KubernetesModels
import Testing

@Suite(.timeLimit(.minutes(2))) struct WatchTests {
  @Test(arguments: Servers.atHand) func eventsComeInOrderAndResume(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let start = try await client.list(ConfigMap.self, in: namespace).resourceVersion
    let created = try await client.create(configMap("a", in: namespace))
    let patched: ConfigMap = try await client.patch(
      ConfigMap.self, "a", in: namespace, .merge(["data": ["n": "1"]]))
    try await client.create(configMap("b", in: namespace))
    try await client.delete(ConfigMap.self, "a", in: namespace)

    let all = try await events(
      client.watch(ConfigMap.self, in: namespace, options: WatchOptions(resourceVersion: start)),
      until: { $0.filter { $0.object != nil }.count == 4 })
    #expect(all.compactMap(describe) == ["added a", "modified a", "added b", "deleted a"])
    #expect(all.first?.object == created)
    let last = try #require(all.last?.object)
    #expect(last.data == ["n": "1"])
    #expect(UInt64(last.metadata.resourceVersion ?? "") ?? 0 > UInt64(patched.metadata.resourceVersion ?? "") ?? 0)

    let rest = try await events(
      client.watch(
        ConfigMap.self, in: namespace, options: WatchOptions(resourceVersion: patched.metadata.resourceVersion)),
      until: { $0.filter { $0.object != nil }.count == 2 })
    #expect(rest.compactMap(describe) == ["added b", "deleted a"])
  }

  @Test(arguments: Servers.atHand) func watchWithoutAVersionBeginsWithWhatIsThere(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    for name in ["a", "b"] { try await client.create(configMap(name, in: namespace)) }
    let other = try await server.namespace("other")
    try await client.create(configMap("c", in: other))
    let seen = try await events(
      client.watch(ConfigMap.self, in: namespace, options: WatchOptions()), until: { $0.count == 2 })
    #expect(Set(seen.compactMap(describe)) == ["added a", "added b"])
    // Over all namespaces, chosen by name.
    let everywhere = try await events(
      client.watch(
        ConfigMap.self, options: WatchOptions(fieldSelector: "metadata.namespace=\(other)")), until: { $0.count == 1 })
    #expect(everywhere.compactMap(describe) == ["added c"])
  }

  @Test(arguments: Servers.atHand) func objectEntersAndLeavesASelection(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let start = try await client.list(ConfigMap.self, in: namespace).resourceVersion
    try await client.create(configMap("a", in: namespace, labels: ["on": "no"]))
    func relabel(_ value: String, _ data: String) async throws {
      let _: ConfigMap = try await client.patch(
        ConfigMap.self, "a", in: namespace,
        .merge(["metadata": ["labels": ["on": .string(value)]], "data": ["n": .string(data)]]))
    }
    try await relabel("yes", "1")
    try await relabel("yes", "2")
    try await relabel("no", "3")
    try await relabel("yes", "4")
    try await client.delete(ConfigMap.self, "a", in: namespace)
    let seen = try await events(
      client.watch(
        ConfigMap.self, in: namespace, options: WatchOptions(labelSelector: "on=yes", resourceVersion: start)),
      until: { $0.filter { $0.object != nil }.count == 5 })
    #expect(seen.compactMap(describe) == ["added a", "modified a", "deleted a", "added a", "deleted a"])
    // What leaves shows its last state inside the selection, at the version of the change that took it out.
    let left = try #require(seen.compactMap(\.object).dropFirst(2).first)
    #expect(left.metadata.labels == ["on": "yes"] && left.data == ["n": "2"])
  }

  @Test(arguments: Servers.atHand) func bookmarkPrecedesTheEnd(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let created = try await client.create(configMap("a", in: namespace))
    let version = try #require(created.metadata.resourceVersion)
    // A server where nothing at all happens has no newer version to tell.
    let other = try await server.namespace("other")
    let writer = Task {
      for number in 0..<20 where !Task.isCancelled {
        try await client.create(configMap("n\(number)", in: other))
        await pause(.milliseconds(500))
      }
    }
    defer { writer.cancel() }
    // The stream ends by itself after its time, without an error.
    let seen = try await events(
      client.watch(
        ConfigMap.self, in: namespace, options: WatchOptions(resourceVersion: version, timeoutSeconds: 8)),
      until: { _ in false })
    let bookmarks = seen.compactMap { event in
      if case .bookmark(let version, false) = event { UInt64(version) } else { UInt64?.none }
    }
    #expect(!bookmarks.isEmpty && seen.count == bookmarks.count, "\(seen)")
    #expect(bookmarks.allSatisfy { $0 >= UInt64(version) ?? .max })
    let without = try await events(
      client.watch(
        ConfigMap.self, in: namespace,
        options: WatchOptions(resourceVersion: version, timeoutSeconds: 3, allowBookmarks: false)),
      until: { _ in false })
    #expect(without.isEmpty)
  }

  @Test(arguments: Servers.atHand) func initialEventsEndWithABookmark(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    for name in ["a", "b", "c"] { try await client.create(configMap(name, in: namespace)) }
    let seen = try await events(
      client.watch(ConfigMap.self, in: namespace, options: WatchOptions(sendInitialEvents: true)),
      until: { $0.contains { $0.object == nil } })
    #expect(Set(seen.dropLast().compactMap(describe)) == ["added a", "added b", "added c"])
    let version = try await client.list(ConfigMap.self, in: namespace).items.compactMap(\.metadata.resourceVersion)
      .compactMap { UInt64($0) }.max()
    guard case .bookmark(let marked, let isEnd) = seen.last else { return }
    #expect(isEnd)
    #expect(UInt64(marked) ?? 0 >= version ?? .max)

    let unmatched = try await client.call(
      .get, "/api/v1/namespaces/\(namespace)/configmaps",
      query: [("watch", "true"), ("sendInitialEvents", "true"), ("timeoutSeconds", "1")])
    #expect(unmatched.status == 422 || unmatched.status == 400)
    #expect(unmatched.message.contains("sendInitialEvents"))
  }

  @Test(arguments: Servers.atHand) func oldVersionIsGone(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let widgets = Widgets()
    try await server.install(definition: widgets.definition)
    try await client.create(widgets.type, widgets.object("a", in: namespace, ["n": 0]))
    for number in 0..<server.writesUntilExpiry {
      try await client.patch(widgets.type, "a", in: namespace, .merge(["spec": ["n": .integer(Int64(number) + 1)]]))
    }
    let error = try await refusal {
      try await events(
        client.watch(widgets.type, in: namespace, options: WatchOptions(resourceVersion: "1")), until: { _ in false })
    }
    #expect(error.isGone && error.reason == "Expired" && error.isTransient)
    #expect(error.status?.message?.hasPrefix("too old resource version: 1 (") == true)
  }

  @Test(arguments: Servers.atHand) func cancelledWatchEndsAtOnce(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    try await client.create(configMap("a", in: namespace))
    let reader = Task { [client] in
      for try await _ in client.watch(ConfigMap.self, in: namespace) { return true }
      return false
    }
    #expect(try await reader.value)
    let sleeper = Task { [client] in
      var iterator = client.watch(ConfigMap.self, in: namespace).makeAsyncIterator()
      _ = try await iterator.next()
      _ = try await iterator.next()
    }
    sleeper.cancel()
    let started = ContinuousClock.now
    await #expect(throws: CancellationError.self) { try await sleeper.value }
    #expect(ContinuousClock.now - started < .seconds(5))
  }

  private func describe(_ event: WatchEvent<ConfigMap>) -> String? {
    switch event {
    case .added(let object): "added \(object.metadata.name ?? "")"
    case .modified(let object): "modified \(object.metadata.name ?? "")"
    case .deleted(let object): "deleted \(object.metadata.name ?? "")"
    case .bookmark, .undecodable: nil
    }
  }
}
