import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Assigns pods to nodes, one at a time.
struct SchedulerReconciler: Reconciler {
  static let nodeType = ResourceType(group: "", version: "v1", kind: "Node", plural: "nodes", isNamespaced: false)

  let context: WorkloadContext
  let nodes: DynamicInformer
  let loads: NodeLoads

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let pod = context.pods.get(key) else { return .done }
    guard pod.spec?.nodeName?.isEmpty != false, !pod.isBeingDeleted, !pod.isFinished,
      pod.spec?.schedulerName ?? "default-scheduler" == "default-scheduler", pod.spec?.schedulingGates?.isEmpty != false
    else { return .done }
    if let claim = unboundClaim(pod) {
      try await report(pod, "pod has unbound immediate PersistentVolumeClaim \(claim)")
      return .requeue(after: .milliseconds(300))
    }
    let decision = SchedulingPlan.decide(
      pod, nodes: currentNodes(), pods: SchedulingPlan.looksAtPods(pod) ? loads.placed(context.pods.list()) : [])
    switch decision {
    case .bind(let node):
      try await bind(pod, to: node)
      return .done
    case .unschedulable(let message):
      try await report(pod, message)
      await context.events.record(
        .warning, regarding: pod, reason: "FailedScheduling", message: message, action: "Scheduling")
      return .requeue(after: .seconds(2))
    }
  }

  private func currentNodes() -> [SchedulingPlan.Node] {
    nodes.list().compactMap { object in
      guard var node = SchedulingPlan.Node(object) else { return nil }
      node.load = loads.load(of: node.name)
      return node
    }
  }

  private func unboundClaim(_ pod: Pod) -> String? {
    (pod.spec?.volumes ?? []).compactMap(\.persistentVolumeClaim?.claimName).first { name in
      context.claims.get(name, in: pod.metadata.namespace)?.status?.phase != "Bound"
    }
  }

  private func bind(_ pod: Pod, to node: String) async throws {
    let name = pod.metadata.name ?? ""
    let body: JSONValue = [
      "apiVersion": "v1", "kind": "Binding",
      "metadata": [
        "name": .string(name), "namespace": .string(pod.metadata.namespace ?? ""),
        "uid": .string(pod.metadata.uid ?? ""),
      ],
      "target": ["apiVersion": "v1", "kind": "Node", "name": .string(node)],
    ]
    let response = try await context.client.raw(
      KubernetesRequest(
        method: .post, path: "/api/v1/namespaces/\(pod.metadata.namespace ?? "")/pods/\(name)/binding",
        headers: [(name: "Content-Type", value: "application/json")], body: body.serialized()))
    switch response.status {
    case 200..<300:
      loads.assume(pod, on: node)
      await context.events.record(
        .normal, regarding: pod, reason: "Scheduled",
        message: "Successfully assigned \(pod.key) to \(node)", action: "Binding")
    case 404, 409: return
    default: throw ReconcileError.retry("binding of \(pod.key) was refused with \(response.status)")
    }
  }

  private func report(_ pod: Pod, _ message: String) async throws {
    var status = pod.status ?? KubernetesModels.PodStatus()
    let known = status.conditions?.first { $0.type == "PodScheduled" }
    guard known?.status != "False" || known?.message != message else { return }
    let condition = PodCondition(
      lastTransitionTime: known?.status == "False" ? known?.lastTransitionTime : .now, message: message,
      reason: "Unschedulable", status: "False", type: "PodScheduled")
    status.conditions = (status.conditions ?? []).filter { $0.type != "PodScheduled" } + [condition]
    try await context.writeStatus(of: pod, status)
  }
}
