import Foundation
import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import SandboxCluster
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

/// An API server in this process with the operator's own manifests in it, and operators with exactly their rights.
struct TestPlatformCluster: Sendable {
  static let operatorUser = "system:serviceaccount:rtx-system:rtx-operator"
  static let namespace = "rtx-trading"

  let server: APIServer
  let admin: KubernetesClient

  /// Installs crds/ and config/ and makes the namespace.
  init() async throws {
    server = try APIServer()
    admin = server.client()
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let folders = ["config/manager", "config/rbac", "crds"]
    var objects: [JSONValue] = []
    for folder in folders {
      let files = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path).sorted()
      for file in files where file.hasSuffix(".yaml") && file != "kustomization.yaml" {
        let text = try String(contentsOf: root.appending(path: folder).appending(path: file), encoding: .utf8)
        objects += try YAML.parse(text)
      }
    }
    let discovery = try await admin.discover()
    // Namespaces first, whatever their file is called.
    for json in objects.sorted(by: { $0["kind"] == "Namespace" && $1["kind"] != "Namespace" }) {
      let group = (json["apiVersion"]?.stringValue ?? "").split(separator: "/").dropLast().joined()
      let type = try #require(discovery.resource(named: json["kind"]?.stringValue ?? "", group: group)).type
      _ = try await admin.create(type, DynamicObject(json))
    }
    _ = try await admin.create(Namespace(metadata: ObjectMeta(name: Self.namespace)))
    try await eventually("the custom resource is served") { try await admin.serves(RTXPlatform.resourceType) }
  }

  /// Applies a platform as a user would, so that the server's defaults and rules take part.
  @discardableResult
  func apply(_ name: String = "trading", spec: JSONValue = ["backend": ["priceFeed": "SIM"]]) async throws
    -> RTXPlatform
  {
    let json: JSONValue = [
      "apiVersion": "rtx.trading/v1alpha1", "kind": "RTXPlatform",
      "metadata": ["name": .string(name), "namespace": .string(Self.namespace)], "spec": spec,
    ]
    return try await admin.apply(
      RTXPlatform.resourceType, DynamicObject(json), fieldManager: "kubectl"
    ).json.decode()
  }

  func platform(_ name: String = "trading") async throws -> RTXPlatform {
    try await admin.get(RTXPlatform.self, name, in: Self.namespace)
  }

  func condition(_ type: ConditionType, _ name: String = "trading") async throws -> Condition? {
    try await platform(name).status?.conditions?.first { $0.type == type.rawValue }
  }

  /// Acts with the rights of config/rbac.
  var operatorClient: KubernetesClient {
    server.client(as: .serviceAccount(namespace: "rtx-system", name: "rtx-operator"))
  }

  /// Runs an operator with the rights of config/rbac while `body` runs.
  /// - Parameters:
  ///   - access: How it reaches trading servers.
  ///   - client: What it writes with; one with its own rights by default.
  func withOperator<Result: Sendable>(
    access: any TradingServerAccess = PodNetworkAccess(), client: KubernetesClient? = nil,
    _ body: @Sendable () async throws -> Result
  ) async throws -> Result {
    var quiet = Logger(label: "operator")
    quiet.logLevel = .critical
    let client = client ?? operatorClient
    // The API server answers within the caller's own task: on a loop it would hold up the connections of other tests.
    let manager = Manager(
      client: client, logger: quiet,
      options: ManagerOptions(healthPort: nil, metricsPort: nil, signals: [], executor: nil))
    PlatformOperator(client: client, logger: quiet, access: access).add(to: manager)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          try await manager.run()
        } catch is CancellationError {
          return
        }
      }
      defer { group.cancelAll() }
      let result = try await body()
      manager.stop()
      return result
    }
  }

  /// Writes of the operator so far, and how many of them were refused.
  func writes() -> (all: Int, refused: Int) {
    var (all, refused) = (0, 0)
    for (key, count) in server.counters.snapshot where key.user == Self.operatorUser && key.isWrite {
      all += count
      if key.code == 403 || key.code == 422 { refused += count }
    }
    return (all, refused)
  }

  /// Returns when the operator has made everything and is quiet.
  func made() async throws {
    try await eventually("the trading server's Deployment is made") {
      try await admin.getIfPresent(Deployment.self, "trading-backend", in: Self.namespace) != nil
    }
    _ = try await settled()
  }

  /// The number of writes once it has stood still.
  func settled() async throws -> Int {
    var last = -1
    var since = ContinuousClock.now
    return try await eventually("the operator has nothing to write") { () -> Int? in
      let now = writes().all
      if now != last {
        last = now
        since = .now
      }
      return ContinuousClock.now - since > .milliseconds(700) ? now : nil
    }
  }

  /// Stands in for everything that runs: controllers, kubelets and Patroni. Makes the platform's parts report well.
  func simulateHealth(primary: Int = 0) async throws {
    for name in ["trading-backend", "trading-redis"] {
      var deployment = try await admin.get(Deployment.self, name, in: Self.namespace)
      let count = deployment.spec?.replicas ?? 1
      deployment.status = DeploymentStatus(
        availableReplicas: count, observedGeneration: deployment.metadata.generation, readyReplicas: count,
        replicas: count, updatedReplicas: count)
      _ = try await admin.replaceStatus(deployment)
    }
    for ordinal in 0..<3 { try await simulateMember(ordinal, isPrimary: ordinal == primary) }
    let annotations = ["leader": "trading-postgres-\(primary)", "renewTime": "\(MicroTime.now)"]
    try await record("leader", annotations)
    let standby = (0..<3).first { $0 != primary } ?? 0
    try await record(
      "sync", ["leader": "trading-postgres-\(primary)", "sync_standby": "trading-postgres-\(standby)"])
  }

  func simulateMember(_ ordinal: Int, isPrimary: Bool) async throws {
    let name = "trading-postgres-\(ordinal)"
    let set = try await admin.get(StatefulSet.self, "trading-postgres", in: Self.namespace)
    if try await admin.getIfPresent(Pod.self, name, in: Self.namespace) == nil {
      var spec = set.spec?.template.spec
      let claim = PersistentVolumeClaimVolumeSource(claimName: "data-\(name)")
      spec?.volumes?.append(Volume(name: "data", persistentVolumeClaim: claim))
      let pod = Pod(
        metadata: ObjectMeta(
          labels: set.spec?.template.metadata?.labels, name: name, namespace: Self.namespace), spec: spec)
      _ = try await admin.create(pod)
    }
    let role = isPrimary ? "primary" : "replica"
    let report = isPrimary ? #"{"state":"running","timeline":1}"# : #"{"replication_state":"streaming","timeline":1}"#
    let metadata: JSONValue = ["labels": ["role": .string(role)], "annotations": ["status": .string(report)]]
    var pod = try await admin.patch(Pod.self, name, in: Self.namespace, .merge(["metadata": metadata]))
    pod.status = PodStatus(
      conditions: [PodCondition(status: "True", type: "Ready")],
      containerStatuses: [
        ContainerStatus(
          image: "postgres", imageID: "", name: "postgres", ready: true, restartCount: 0,
          state: ContainerState(running: ContainerStateRunning(startedAt: .now)))
      ], phase: "Running")
    _ = try await admin.replaceStatus(pod)
  }

  func record(_ part: String, _ annotations: [String: String]) async throws {
    let name = "trading-postgres-\(part)"
    let labels = [
      PlatformConstants.platformLabel: "trading", PlatformConstants.scopeLabel: "trading-postgres",
      "app.kubernetes.io/component": "postgres",
    ]
    let metadata = ObjectMeta(annotations: annotations, labels: labels, name: name, namespace: Self.namespace)
    if try await admin.getIfPresent(ConfigMap.self, name, in: Self.namespace) == nil {
      _ = try await admin.create(ConfigMap(metadata: metadata))
    } else {
      let values = JSONValue.object(annotations.mapValues { .string($0) })
      _ = try await admin.patch(
        ConfigMap.self, name, in: Self.namespace, .merge(["metadata": ["annotations": values]]))
    }
  }
}

struct TimedOut: Error, CustomStringConvertible {
  var description: String
}

/// Asks again and again until there is an answer, for at most so long.
@discardableResult
func eventually<Result: Sendable>(
  _ what: String, within limit: Duration = .seconds(20), _ probe: () async throws -> Result?
) async throws -> Result {
  let deadline = ContinuousClock.now + limit
  while true {
    if let result = try await probe() { return result }
    guard ContinuousClock.now < deadline else { throw TimedOut(description: "not within \(limit): \(what)") }
    try await Task.sleep(for: .milliseconds(20))
  }
}

func eventually(_ what: String, within limit: Duration = .seconds(20), _ probe: () async throws -> Bool) async throws {
  try await eventually(what, within: limit) { try await probe() ? true : nil }
}
