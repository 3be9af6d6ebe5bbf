import KubernetesModels
import OperatorRuntime

/// Which node a pod goes to. Pure; the filters of "Assigning Pods to Nodes", then the node with the fewest pods.
struct SchedulingPlan {
  struct Node: Sendable {
    var name: String
    var labels: [String: String] = [:]
    var isReady = true
    var isUnschedulable = false
    var taints: [Taint] = []
    var allocatable: [String: Quantity] = [:]
    /// Of the pods that it has already.
    var load = Load()
  }

  struct Load: Sendable, Equatable {
    var pods = 0
    var requested: [String: Quantity] = [:]
  }

  struct Taint: Sendable, Equatable {
    var key: String
    var value: String
    var effect: String
  }

  enum Decision: Equatable {
    case bind(node: String)
    case unschedulable(message: String)
  }

  /// - Parameter pods: Those that affinity rules may mean; read only when the pod has such rules.
  static func decide(_ pod: Pod, nodes: [Node], pods: [Pod]) -> Decision {
    var reasons: [String: Int] = [:]
    var fitting: [Node] = []
    for node in nodes {
      if let reason = obstacle(pod, node, allNodes: nodes, allPods: pods) {
        reasons[reason, default: 0] += 1
      } else {
        fitting.append(node)
      }
    }
    let best = fitting.min {
      (penalty(pod, $0, nodes, pods), $0.load.pods, $0.name) < (penalty(pod, $1, nodes, pods), $1.load.pods, $1.name)
    }
    if let best { return .bind(node: best.name) }
    let details = reasons.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    return .unschedulable(
      message: "0/\(nodes.count) nodes are available" + (details.isEmpty ? "." : ": \(details)."))
  }

  private static func obstacle(_ pod: Pod, _ node: Node, allNodes: [Node], allPods: [Pod]) -> String? {
    guard node.isReady else { return "node(s) were not ready" }
    guard !node.isUnschedulable else { return "node(s) were unschedulable" }
    let tolerations = pod.spec?.tolerations ?? []
    for taint in node.taints where taint.effect != "PreferNoSchedule" {
      guard tolerations.contains(where: { tolerates($0, taint) }) else {
        return "node(s) had untolerated taint {\(taint.key): \(taint.value)}"
      }
    }
    guard (pod.spec?.nodeSelector ?? [:]).allSatisfy({ node.labels[$0.key] == $0.value }),
      matches(pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution, node)
    else { return "node(s) didn't match Pod's node affinity/selector" }
    if violatesAntiAffinity(pod, node, allNodes, allPods) {
      return "node(s) didn't match pod anti-affinity rules"
    }
    for (resource, wanted) in requests(of: pod) {
      guard let room = node.allocatable[resource] else { continue }
      if (node.load.requested[resource] ?? .zero) + wanted > room { return "Insufficient \(resource)" }
    }
    if let room = node.allocatable["pods"], Quantity(node.load.pods + 1) > room { return "Too many pods" }
    return nil
  }

  static func tolerates(_ toleration: Toleration, _ taint: Taint) -> Bool {
    if let effect = toleration.effect, !effect.isEmpty, effect != taint.effect { return false }
    let key = toleration.key ?? ""
    if toleration.operator == "Exists" { return key.isEmpty || key == taint.key }
    return key == taint.key && toleration.value ?? "" == taint.value
  }

  private static func matches(_ selector: NodeSelector?, _ node: Node) -> Bool {
    guard let selector else { return true }
    return selector.nodeSelectorTerms.contains { term in
      let fields = ["metadata.name": node.name]
      return (term.matchExpressions ?? []).allSatisfy { holds($0, node.labels) }
        && (term.matchFields ?? []).allSatisfy { holds($0, fields) }
    }
  }

  private static func holds(_ requirement: NodeSelectorRequirement, _ labels: [String: String]) -> Bool {
    let value = labels[requirement.key]
    let values = requirement.values ?? []
    switch requirement.operator {
    case "In": return value.map(values.contains) ?? false
    case "NotIn": return !(value.map(values.contains) ?? false)
    case "Exists": return value != nil
    case "DoesNotExist": return value == nil
    case "Gt": return (value.flatMap { Int($0) } ?? .min) > (values.first.flatMap { Int($0) } ?? .max)
    case "Lt": return (value.flatMap { Int($0) } ?? .max) < (values.first.flatMap { Int($0) } ?? .min)
    default: return false
    }
  }

  private static func violatesAntiAffinity(_ pod: Pod, _ node: Node, _ nodes: [Node], _ pods: [Pod]) -> Bool {
    let terms = pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    return terms.contains { isMatched($0, by: pods, for: pod, on: node, nodes) }
  }

  private static func isMatched(_ term: PodAffinityTerm, by pods: [Pod], for pod: Pod, on node: Node, _ nodes: [Node])
    -> Bool
  {
    guard let domain = node.labels[term.topologyKey] else { return false }
    let names = Set(nodes.filter { $0.labels[term.topologyKey] == domain }.map(\.name))
    let namespaces = term.namespaces ?? [pod.metadata.namespace ?? ""]
    return pods.contains { other in
      other.spec?.nodeName.map(names.contains) ?? false && !other.isFinished
        && other.metadata.uid != pod.metadata.uid && namespaces.contains(other.metadata.namespace ?? "")
        && term.labelSelector?.selects(other.metadata.labels) ?? false
    }
  }

  /// How much a node goes against what the pod would rather have.
  private static func penalty(_ pod: Pod, _ node: Node, _ nodes: [Node], _ pods: [Pod]) -> Int {
    let terms = pod.spec?.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    return terms.filter { isMatched($0.podAffinityTerm, by: pods, for: pod, on: node, nodes) }
      .reduce(0) { $0 + $1.weight }
  }

  /// Whether the answer depends on where other pods are.
  static func looksAtPods(_ pod: Pod) -> Bool { pod.spec?.affinity?.podAntiAffinity != nil }

  /// What counts is the containers' sum, or the largest init container ("Resource sharing within containers").
  static func requests(of pod: Pod) -> [String: Quantity] {
    var sum: [String: Quantity] = [:]
    for container in pod.spec?.containers ?? [] {
      sum.merge(container.resources?.requests ?? [:]) { $0 + $1 }
    }
    for container in pod.spec?.initContainers ?? [] {
      sum.merge(container.resources?.requests ?? [:]) { max($0, $1) }
    }
    return sum
  }
}

extension SchedulingPlan.Node {
  init?(_ object: DynamicObject) {
    guard let name = object.name, !object.isBeingDeleted else { return nil }
    self.init(name: name)
    labels = object.labels
    isUnschedulable = object.json.value(at: ["spec", "unschedulable"])?.boolValue ?? false
    let conditions = object.json.value(at: ["status", "conditions"])?.arrayValue ?? []
    isReady = conditions.contains { $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True" }
    taints = (object.json.value(at: ["spec", "taints"])?.arrayValue ?? []).map { taint in
      SchedulingPlan.Taint(
        key: taint["key"]?.stringValue ?? "", value: taint["value"]?.stringValue ?? "",
        effect: taint["effect"]?.stringValue ?? "")
    }
    let quantities = object.json.value(at: ["status", "allocatable"])?.objectValue ?? [:]
    allocatable = quantities.compactMapValues { $0.stringValue.flatMap { Quantity($0) } }
  }
}
