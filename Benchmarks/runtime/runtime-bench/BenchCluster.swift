import KubernetesClient
import KubernetesModels
import Widgets

/// The driver's side of the API server.
struct BenchCluster: Sendable {
  struct Requests {
    var total = 0.0
    var writes = 0.0
  }

  let client: KubernetesClient

  func prepare() async throws {
    _ = try await client.create(CustomResourceDefinition.resourceType, DynamicObject(Widget.definition))
    _ = try await client.create(Namespace(metadata: ObjectMeta(name: Widget.namespace)))
    let deadline = ContinuousClock.now + .seconds(30)
    while true {
      do {
        _ = try await client.list(Widget.self, in: Widget.namespace)
        return
      } catch {
        guard ContinuousClock.now < deadline else { throw error }
        try await Task.sleep(for: .milliseconds(200))
      }
    }
  }

  static func name(_ number: Int) -> String { "widget-\(number)" }

  func createWidgets(_ count: Int) async throws {
    try await inParallel(count) { number in
      _ = try await client.create(
        Widget(
          metadata: ObjectMeta(name: Self.name(number), namespace: Widget.namespace),
          spec: Widget.Spec(value: "value \(number)")))
    }
  }

  func createForeign(_ count: Int) async throws {
    let text = String(repeating: "x", count: 4096)
    let secret = Base64Text.encode(Array(text.utf8.prefix(3072)))
    try await inParallel(count) { number in
      let metadata = ObjectMeta(name: "foreign-\(number)", namespace: Widget.namespace)
      if number.isMultiple(of: 2) {
        _ = try await client.create(ConfigMap(data: ["text": text], metadata: metadata))
      } else {
        _ = try await client.create(Secret(data: ["text": secret], metadata: metadata))
      }
    }
  }

  /// Waits until the status of every widget says that its objects are there.
  /// - Returns: When the last one did.
  func waitUntilConverged(
    _ count: Int, within limit: Duration = .seconds(900), progress: (Int) throws -> Void
  ) async throws -> ContinuousClock.Instant {
    let list = try await client.list(Widget.self, in: Widget.namespace)
    var ready = Set(list.items.filter(Self.isConverged).compactMap(\.metadata.name))
    let deadline = ContinuousClock.now + limit
    var version = list.resourceVersion
    while ready.count < count {
      // Ends every five seconds, so that there is progress to tell and a deadline to keep.
      let options = WatchOptions(resourceVersion: version, timeoutSeconds: 5)
      for try await event in client.watch(Widget.self, in: Widget.namespace, options: options) {
        guard let widget = event.object else { continue }
        version = widget.metadata.resourceVersion ?? version
        guard let name = widget.metadata.name, Self.isConverged(widget) else { continue }
        ready.insert(name)
        if ready.count == count { break }
      }
      try progress(ready.count)
      guard ready.count == count || ContinuousClock.now < deadline else {
        throw BenchFailure("only \(ready.count) of \(count) widgets are converged after \(limit)")
      }
    }
    return ContinuousClock.now
  }

  private static func isConverged(_ widget: Widget) -> Bool {
    widget.status?.objects == 6 && widget.status?.observedGeneration == widget.metadata.generation
  }

  func verifyObjects(_ widgets: Int) async throws {
    let options = ListOptions(labelSelector: "bench.example.com/widget")
    let counts = [
      try await client.list(ConfigMap.self, in: Widget.namespace, options: options).items.count,
      try await client.list(Secret.self, in: Widget.namespace, options: options).items.count,
      try await client.list(Service.self, in: Widget.namespace, options: options).items.count,
      try await client.list(ServiceAccount.self, in: Widget.namespace, options: options).items.count,
    ]
    guard counts == [2 * widgets, 2 * widgets, widgets, widgets] else {
      throw BenchFailure("the statuses say converged, but the objects there are \(counts)")
    }
  }

  /// Changes widgets in turn at a rate, each change marked with its time.
  /// - Returns: The changes a second that the API server took.
  func change(_ widgets: Int, rate: Int, seconds: Int) async throws -> Double {
    let started = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<(rate * seconds) {
        // A server that cannot keep up is asked for less, not for ever more at once.
        if number >= 32 { try await group.next() }
        try await Task.sleep(until: started + .nanoseconds(Int64(number) * 1_000_000_000 / Int64(rate)))
        group.addTask {
          let patch: JSONValue = [
            "metadata": ["annotations": [Widget.changedAnnotation: .string(String(Nanoseconds.now))]]
          ]
          let _: Widget = try await client.patch(
            Widget.self, Self.name(number % widgets), in: Widget.namespace, .merge(patch))
        }
      }
      try await group.waitForAll()
    }
    return Double(rate * seconds) / (ContinuousClock.now - started).seconds
  }

  /// Requests about the kinds that the operators work with, as the API server counts them.
  func requests() async throws -> Requests {
    let answer = try await client.raw(KubernetesRequest(path: "/metrics", timeout: .seconds(30)))
    let text = String(decoding: try await answer.body.collect(upTo: 64 << 20), as: UTF8.self)
    var result = Requests()
    let kinds: Set = ["configmaps", "secrets", "services", "serviceaccounts", "widgets", "events"]
    for line in text.split(separator: "\n") where line.hasPrefix("apiserver_request_total{") {
      let labels = Self.labels(line)
      guard kinds.contains(labels["resource"] ?? ""), let end = line.lastIndex(of: " "),
        let value = Double(line[line.index(after: end)...])
      else { continue }
      result.total += value
      if !["GET", "LIST", "WATCH"].contains(labels["verb"] ?? "") { result.writes += value }
    }
    return result
  }

  private static func labels(_ line: Substring) -> [String: String] {
    guard let open = line.firstIndex(of: "{"), let close = line.lastIndex(of: "}") else { return [:] }
    var result: [String: String] = [:]
    for pair in line[line.index(after: open)..<close].split(separator: ",") {
      let parts = pair.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { result[String(parts[0])] = parts[1].trimmingQuotes }
    }
    return result
  }

  private func inParallel(_ count: Int, _ work: @Sendable @escaping (Int) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<count {
        if number >= 16 { try await group.next() }
        group.addTask { try await work(number) }
      }
      try await group.waitForAll()
    }
  }
}

extension Substring {
  fileprivate var trimmingQuotes: String {
    var text = self
    if text.first == "\"" { text = text.dropFirst() }
    if text.last == "\"" { text = text.dropLast() }
    return String(text)
  }
}
