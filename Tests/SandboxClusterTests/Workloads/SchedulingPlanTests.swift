import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite struct SchedulingPlanTests {
  func pod(cpu: Quantity? = nil, nodeSelector: [String: String]? = nil, tolerations: [Toleration]? = nil) -> Pod {
    Pod(
      metadata: ObjectMeta(labels: ["app": "db"], name: "p", namespace: "ns", uid: "p"),
      spec: PodSpec(
        containers: [Container(name: "c", resources: cpu.map { ResourceRequirements(requests: ["cpu": $0]) })],
        nodeSelector: nodeSelector, tolerations: tolerations))
  }

  func node(_ name: String, pods: Int = 0, used: Quantity = "0") -> SchedulingPlan.Node {
    SchedulingPlan.Node(
      name: name, labels: ["kubernetes.io/hostname": name], allocatable: ["cpu": "2", "pods": "10"],
      load: SchedulingPlan.Load(pods: pods, requested: ["cpu": used]))
  }

  @Test func theEmptiestFittingNodeIsTaken() {
    let nodes = [node("a", pods: 3), node("b", pods: 1), node("c", pods: 0, used: "1500m")]
    #expect(SchedulingPlan.decide(pod(cpu: "600m"), nodes: nodes, pods: []) == .bind(node: "b"))
  }

  @Test func theMessageCountsTheReasons() {
    var drained = node("b")
    drained.isUnschedulable = true
    var tainted = node("c")
    tainted.taints = [SchedulingPlan.Taint(key: "dedicated", value: "x", effect: "NoSchedule")]
    let decision = SchedulingPlan.decide(pod(cpu: "3"), nodes: [node("a"), drained, tainted], pods: [])
    #expect(
      decision
        == .unschedulable(
          message: "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {dedicated: x}, "
            + "1 node(s) were unschedulable."))
  }

  @Test func tolerationsAndSelectorsLetPodsIn() {
    var tainted = node("a")
    tainted.taints = [SchedulingPlan.Taint(key: "dedicated", value: "x", effect: "NoSchedule")]
    let tolerant = pod(tolerations: [Toleration(key: "dedicated", operator: "Exists")])
    #expect(SchedulingPlan.decide(tolerant, nodes: [tainted], pods: []) == .bind(node: "a"))
    let picky = pod(nodeSelector: ["kubernetes.io/hostname": "b"])
    #expect(SchedulingPlan.decide(picky, nodes: [node("a"), node("b", pods: 9)], pods: []) == .bind(node: "b"))
  }

  @Test func requiredAntiAffinityKeepsReplicasApart() {
    var spread = pod()
    spread.spec?.affinity = Affinity(
      podAntiAffinity: PodAntiAffinity(requiredDuringSchedulingIgnoredDuringExecution: [
        PodAffinityTerm(labelSelector: .init(matchLabels: ["app": "db"]), topologyKey: "kubernetes.io/hostname")
      ]))
    var other = pod()
    other.metadata.uid = "other"
    other.spec?.nodeName = "a"
    #expect(SchedulingPlan.decide(spread, nodes: [node("a"), node("b", pods: 5)], pods: [other]) == .bind(node: "b"))
    #expect(
      SchedulingPlan.decide(spread, nodes: [node("a")], pods: [other])
        == .unschedulable(message: "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules."))
  }
}
