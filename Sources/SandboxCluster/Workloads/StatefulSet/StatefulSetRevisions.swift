import KubernetesModels
import OperatorRuntime

/// The `ControllerRevision`s of a stateful set: one for each pod template that it had. `kubectl rollout history` and
/// `undo` read them. Pure.
struct StatefulSetRevisions {
  /// Oldest first.
  let all: [ControllerRevision]

  init(_ revisions: [ControllerRevision]) {
    all = revisions.sorted { ($0.revision, $0.metadata.name ?? "") < ($1.revision, $1.metadata.name ?? "") }
  }

  /// The form that a strategic merge patch of the stateful set takes, so that `kubectl rollout undo` can apply it.
  static func data(for template: PodTemplateSpec) throws -> JSONValue {
    var json = try JSONValue(encoding: template)
    json.set(nil, at: ["metadata", "creationTimestamp"])
    json["$patch"] = "replace"
    return ["spec": ["template": json]]
  }

  static func template(in revision: ControllerRevision) throws -> PodTemplateSpec? {
    guard var json = revision.data?.value(at: ["spec", "template"]) else { return nil }
    json["$patch"] = nil
    return try json.decode(PodTemplateSpec.self)
  }

  func revision(equalTo data: JSONValue) -> ControllerRevision? {
    all.last { $0.data == data }
  }

  func named(_ name: String?) -> ControllerRevision? {
    guard let name else { return nil }
    return all.first { $0.metadata.name == name }
  }

  var highest: Int { all.last?.revision ?? 0 }

  func new(for set: StatefulSet, data: JSONValue) -> ControllerRevision {
    let hash = TemplateHash.of(data.serialized(), collisions: set.status?.collisionCount ?? 0)
    var labels = set.spec?.template.metadata?.labels ?? [:]
    labels["controller.kubernetes.io/hash"] = hash
    return ControllerRevision(
      data: data,
      metadata: ObjectMeta(
        labels: labels, name: "\(set.metadata.name ?? "")-\(hash)", namespace: set.metadata.namespace,
        ownerReferences: OwnerReference(controlling: set).map { [$0] }), revision: highest + 1)
  }

  /// Revisions that no pod has and that are beyond the history limit, oldest first.
  func expendable(keeping limit: Int, inUse: Set<String>) -> [ControllerRevision] {
    Array(all.filter { !inUse.contains($0.metadata.name ?? "") }.dropLast(limit))
  }
}
