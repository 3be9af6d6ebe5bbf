import KubernetesModels
import OperatorRuntime

/// A deployment's replica sets in order, and which of them is the current template's. Pure.
struct DeploymentHistory {
  static let revisionAnnotation = "deployment.kubernetes.io/revision"
  private static let desiredAnnotation = "deployment.kubernetes.io/desired-replicas"
  private static let maxAnnotation = "deployment.kubernetes.io/max-replicas"
  private static let historyAnnotation = "deployment.kubernetes.io/revision-history"
  private static let lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration"

  /// Oldest first.
  let all: [ReplicaSet]
  let new: ReplicaSet?

  init(_ deployment: Deployment, replicaSets: [ReplicaSet]) throws {
    all = replicaSets.sorted { Self.order($0) < Self.order($1) }
    let wanted = try deployment.spec.map { try Self.comparable($0.template) }
    new = try all.first { set in
      guard let template = set.spec?.template else { return false }
      return try Self.comparable(template) == wanted
    }
  }

  var old: [ReplicaSet] { all.filter { $0.metadata.uid != new?.metadata.uid } }
  var oldMembers: [RollingUpdatePlan.Member] { old.map(Self.member) }

  /// The one replica set that has or should have pods, when no rollout is under way.
  var onlyActive: ReplicaSet? {
    let active = all.filter { $0.spec?.replicas ?? 0 > 0 }
    if active.count > 1 { return nil }
    return active.first ?? new ?? all.last
  }

  /// Whether the user changed the deployment's size since the sets were scaled.
  func isScaled(_ desired: Int) -> Bool {
    all.contains { set in
      guard set.spec?.replicas ?? 0 > 0 else { return false }
      return Self.member(set).recordedDesired.map { $0 != desired } ?? false
    }
  }

  static func member(_ set: ReplicaSet) -> RollingUpdatePlan.Member {
    RollingUpdatePlan.Member(
      name: set.metadata.name ?? "", replicas: set.spec?.replicas ?? 0, available: set.status?.availableReplicas ?? 0,
      recordedDesired: set.metadata.annotations?[desiredAnnotation].flatMap { Int($0) },
      created: set.metadata.creationTimestamp?.secondsSinceEpoch ?? 0)
  }

  static func sizeAnnotations(_ plan: RollingUpdatePlan) -> [String: String] {
    [desiredAnnotation: String(plan.desired), maxAnnotation: String(plan.maxTotal)]
  }

  func newReplicaSet(for deployment: Deployment, replicas: Int, plan: RollingUpdatePlan) throws -> ReplicaSet {
    guard let spec = deployment.spec else { throw ReconcileError.waitForChange(reason: "NoSpec", message: "no spec") }
    let hash = try TemplateHash.of(spec.template, collisions: deployment.status?.collisionCount ?? 0)
    var template = spec.template
    var templateMetadata = template.metadata ?? ObjectMeta()
    templateMetadata.labels = (templateMetadata.labels ?? [:]).merging([TemplateHash.deploymentLabel: hash]) { $1 }
    template.metadata = templateMetadata
    var selector = spec.selector
    selector.matchLabels = (selector.matchLabels ?? [:]).merging([TemplateHash.deploymentLabel: hash]) { $1 }
    let metadata = ObjectMeta(
      annotations: annotations(for: deployment, on: nil, plan: plan), labels: templateMetadata.labels,
      name: "\(deployment.metadata.name ?? "")-\(hash)", namespace: deployment.metadata.namespace,
      ownerReferences: OwnerReference(controlling: deployment).map { [$0] })
    return ReplicaSet(
      metadata: metadata,
      spec: ReplicaSetSpec(
        minReadySeconds: spec.minReadySeconds, replicas: replicas, selector: selector, template: template))
  }

  /// The deployment's annotations, sizes and the revision. A set that becomes current again gets a new number, and
  /// remembers the ones that it had.
  func annotations(for deployment: Deployment, on set: ReplicaSet?, plan: RollingUpdatePlan) -> [String: String] {
    var result = set?.metadata.annotations ?? [:]
    for (key, value) in deployment.metadata.annotations ?? [:]
    where key != Self.lastAppliedAnnotation && !key.hasPrefix("deployment.kubernetes.io/") {
      result[key] = value
    }
    let highestOld = all.filter { $0.metadata.uid != set?.metadata.uid || set == nil }.map(Self.revision).max() ?? 0
    let own = set.map(Self.revision) ?? 0
    if own <= highestOld {
      if own > 0 {
        let earlier = result[Self.historyAnnotation].map { $0 + "," } ?? ""
        result[Self.historyAnnotation] = earlier + String(own)
      }
      result[Self.revisionAnnotation] = String(highestOld + 1)
    }
    return result.merging(Self.sizeAnnotations(plan)) { $1 }
  }

  /// Old sets without pods beyond the history limit, oldest revision first.
  func expendable(keeping limit: Int) -> [ReplicaSet] {
    let empty = old.filter { $0.spec?.replicas ?? 0 == 0 && $0.status?.replicas ?? 0 == 0 && !$0.isBeingDeleted }
    return Array(empty.sorted { Self.revision($0) < Self.revision($1) }.dropLast(limit))
  }

  private static func revision(_ set: ReplicaSet) -> Int {
    set.metadata.annotations?[revisionAnnotation].flatMap { Int($0) } ?? 0
  }

  private static func order(_ set: ReplicaSet) -> (Int64, Int, String) {
    (set.metadata.creationTimestamp?.secondsSinceEpoch ?? 0, revision(set), set.metadata.name ?? "")
  }

  /// A template without the label that tells the sets apart.
  private static func comparable(_ template: PodTemplateSpec) throws -> JSONValue {
    var json = try JSONValue(encoding: template)
    json.set(nil, at: ["metadata", "labels", TemplateHash.deploymentLabel])
    json.set(nil, at: ["metadata", "creationTimestamp"])
    return json
  }
}
