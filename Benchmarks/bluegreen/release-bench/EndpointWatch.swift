import KubernetesClient
import KubernetesModels

/// Follows where a Service sends requests, apart from whoever moves them.
actor EndpointWatch {
  /// All trading servers, whoever made them.
  static let selector = "app.kubernetes.io/component=backend"

  private let client: KubernetesClient
  private let namespace: String
  private let service: String
  private var pods: [String: Pod] = [:]
  private var slices: [String: EndpointSlice] = [:]
  private var waiter: (image: String, continuation: CheckedContinuation<ContinuousClock.Instant?, Never>)?

  init(client: KubernetesClient, namespace: String, service: String) {
    self.client = client
    self.namespace = namespace
    self.service = service
  }

  /// Follows until the task is cancelled.
  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await self.follow(Pod.self, Self.selector, replace: { await self.replace(pods: $0) }) {
          await self.hear(pod: $0, isGone: $1)
        }
      }
      group.addTask {
        let selector = "kubernetes.io/service-name=\(self.service)"
        try await self.follow(EndpointSlice.self, selector, replace: { await self.replace(slices: $0) }) {
          await self.hear(slice: $0, isGone: $1)
        }
      }
      try await group.waitForAll()
    }
  }

  /// Waits until the Service's endpoints are exactly the ready pods of the image.
  /// - Returns: When this was heard.
  func settled(on image: String, within limit: Duration) async throws -> ContinuousClock.Instant {
    let timer = Task {
      try await Task.sleep(for: limit)
      self.giveUp()
    }
    defer { timer.cancel() }
    let time = await withCheckedContinuation { continuation in
      waiter = (image, continuation)
      look()
    }
    guard let time else {
      throw BenchFailure("not within \(limit): the endpoints of \(service) are the ready pods of \(image)")
    }
    return time
  }

  private func giveUp() {
    waiter?.continuation.resume(returning: nil)
    waiter = nil
  }

  private func look() {
    guard let waiter else { return }
    let meant = Set(pods.values.filter { $0.isReady && $0.serverImage == waiter.image }.compactMap(\.metadata.name))
    let actual = slices.values.flatMap { $0.endpoints ?? [] }.filter { $0.conditions?.ready != false }
      .compactMap { $0.targetRef?.name }
    guard !meant.isEmpty, meant == Set(actual) else { return }
    waiter.continuation.resume(returning: .now)
    self.waiter = nil
  }

  // MARK: What the API server tells

  private func replace(pods list: [Pod]) {
    pods = Dictionary(list.map { ($0.metadata.name ?? "", $0) }) { $1 }
    look()
  }

  private func replace(slices list: [EndpointSlice]) {
    slices = Dictionary(list.map { ($0.metadata.name ?? "", $0) }) { $1 }
    look()
  }

  private func hear(pod: Pod, isGone: Bool) {
    pods[pod.metadata.name ?? ""] = isGone ? nil : pod
    look()
  }

  private func hear(slice: EndpointSlice, isGone: Bool) {
    slices[slice.metadata.name ?? ""] = isGone ? nil : slice
    look()
  }

  private nonisolated func follow<Object: KubernetesResource>(
    _ type: Object.Type, _ selector: String, replace: @Sendable ([Object]) async -> Void,
    hear: @Sendable (Object, Bool) async -> Void
  ) async throws {
    while true {
      let list = try await client.list(type, in: namespace, options: ListOptions(labelSelector: selector))
      await replace(list.items)
      let options = WatchOptions(labelSelector: selector, resourceVersion: list.resourceVersion)
      do {
        for try await event in client.watch(type, in: namespace, options: options) {
          guard let object = event.object else { continue }
          if case .deleted = event { await hear(object, true) } else { await hear(object, false) }
        }
      } catch let error as KubernetesError {
        // An API server may end a watch at any time; the list tells what was missed.
        say("watching \(type) again: \(error)")
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }
}
