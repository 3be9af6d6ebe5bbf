import Foundation
import KubernetesClient
import KubernetesModels
import Logging
import SandboxCluster
import Synchronization
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

/// A cluster with controllers and simulated pods, and a platform in it whose releases go from colour to colour.
struct ReleaseCluster: Sendable {
  let cluster: TestPlatformCluster
  let servers = TradingServers()
  /// What was seen that must never be.
  private let outages = Outages()

  private final class Outages: Sendable {
    let seen = Mutex<[String]>([])
  }

  var admin: KubernetesClient { cluster.admin }
  static let namespace = TestPlatformCluster.namespace

  init() async throws { cluster = try await TestPlatformCluster() }

  /// Runs the cluster, and an operator unless told otherwise, while `body` runs.
  func run(withOperator runsOperator: Bool = true, _ body: @Sendable () async throws -> Void) async throws {
    let volumes = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: volumes) }
    var quiet = Logger(label: "cluster")
    quiet.logLevel = .critical
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [quiet] in
        try await workloadControllers(
          client: admin, logger: quiet, configuration: WorkloadConfiguration(volumeRoot: volumes)
        ).run()
      }
      group.addTask { [quiet] in try await SimulatedNode(client: admin, logger: quiet).run() }
      defer { group.cancelAll() }
      if runsOperator {
        try await cluster.withOperator(access: servers, body)
      } else {
        try await body()
      }
    }
  }

  /// Applies the platform, as a GitOps pipeline would. Fields that are not given keep out of the way of a quick release.
  func apply(
    image: String, strategy: String = "BlueGreen", rollout: [String: JSONValue] = [:], more: [String: JSONValue] = [:]
  )
    async throws
  {
    let quick: [String: JSONValue] = [
      "strategy": .string(strategy), "watchSeconds": 0, "scaleDownDelaySeconds": 0, "backup": false,
    ]
    try await cluster.apply(
      spec: [
        "backend": .object(
          ["priceFeed": "SIM", "image": .string(image), "autoscaling": ["enabled": false]].merging(more) { $1 }),
        "postgres": ["instances": 1, "synchronous": false],
        "rollout": .object(quick.merging(rollout) { $1 }),
        "notifications": ["webhooks": [["secretName": "slack"]]],
      ])
  }

  func status() async throws -> RolloutStatus? { try await cluster.platform().status?.rollout }

  @discardableResult
  func eventually(
    _ what: String, within limit: Duration = .seconds(30), _ holds: @Sendable (RolloutStatus) -> Bool
  ) async throws -> RolloutStatus {
    do {
      return try await PlatformOperatorTests.eventually(what, within: limit) { () -> RolloutStatus? in
        guard let status = try await status(), holds(status) else { return nil }
        return status
      }
    } catch let error as TimedOut {
      throw TimedOut(description: "\(error); it is \(String(describing: try await status()))")
    }
  }

  /// Returns when a release has ended, with what was recorded of it.
  func ended(_ outcome: ReleaseOutcome, image: String, within limit: Duration = .seconds(40)) async throws
    -> RolloutHistoryItemStatus
  {
    let status = try await eventually("\(image) has \(outcome.rawValue)", within: limit) {
      $0.step == "Idle" && $0.history?.first?.image == image && $0.history?.first?.outcome == outcome.rawValue
    }
    return try #require(status.history?.first)
  }

  func wish(_ text: String) async throws {
    _ = try await admin.patch(
      RTXPlatform.self, "trading", in: Self.namespace,
      .merge(["metadata": ["annotations": [PlatformConstants.releaseAnnotation: .string(text)]]]))
  }

  /// The colour that the live Service selects.
  func liveColour() async throws -> String? {
    try await admin.getIfPresent(Service.self, "trading-backend", in: Self.namespace)?.spec?.selector?[
      PlatformConstants.colourLabel]
  }

  func pods(_ colour: String) async throws -> [Pod] {
    try await admin.list(
      Pod.self, in: Self.namespace, options: ListOptions(labelSelector: "\(PlatformConstants.colourLabel)=\(colour)")
    ).items
  }

  func addresses(_ colour: String) async throws -> [String] {
    try await pods(colour).compactMap(\.status?.podIP)
  }

  // MARK: Never without a live colour

  /// Looks again and again, while `body` runs, whether requests have somewhere to go and only one version to meet.
  /// - Returns: What was wrong, each kind once.
  func watched(_ body: @Sendable () async throws -> Void) async throws -> [String] {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        while !Task.isCancelled {
          if let outage = try? await outage() {
            outages.seen.withLock { if !$0.contains(outage) { $0.append(outage) } }
          }
          try? await Task.sleep(for: .milliseconds(25))
        }
      }
      defer { group.cancelAll() }
      try await body()
    }
    return outages.seen.withLock { $0 }
  }

  private func outage() async throws -> String? {
    let service = try await admin.getIfPresent(Service.self, "trading-backend", in: Self.namespace)
    guard let selector = service?.spec?.selector, !selector.isEmpty else { return "no Service" }
    let text = selector.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: ",")
    let pods = try await admin.list(Pod.self, in: Self.namespace, options: ListOptions(labelSelector: text)).items
    let ready = pods.filter(PodState.isReady)
    if ready.isEmpty { return "nothing ready behind \(text)" }
    let images = Set(ready.compactMap { $0.spec?.containers.first?.image })
    return images.count > 1 ? "two versions behind \(text)" : nil
  }
}
