import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite struct EndpointPlanTests {
  func pod(_ name: String, ip: String?, port: Int, ready: Bool = true, deleting: Bool = false) -> Pod {
    var pod = Pod(metadata: ObjectMeta(name: name, namespace: "ns", uid: name))
    pod.metadata.deletionTimestamp = deleting ? .now : nil
    pod.spec = PodSpec(
      containers: [Container(name: "c", ports: [ContainerPort(containerPort: port, name: "http")])],
      hostname: name, nodeName: "node", subdomain: "web")
    pod.status = KubernetesModels.PodStatus(
      conditions: [PodCondition(status: ready ? "True" : "False", type: "Ready")], phase: "Running", podIP: ip)
    return pod
  }

  func service(publishNotReady: Bool = false, port: IntOrString = "http") -> Service {
    Service(
      metadata: ObjectMeta(name: "web", namespace: "ns", uid: "s"),
      spec: ServiceSpec(
        ports: [ServicePort(name: "http", port: 80, targetPort: port)], publishNotReadyAddresses: publishNotReady,
        selector: ["app": "web"]))
  }

  @Test func statesAreReadyServingTerminating() throws {
    let plan = EndpointPlan(
      service(),
      pods: [
        pod("a", ip: "10.0.0.1", port: 8080), pod("b", ip: "10.0.0.2", port: 8080, ready: false),
        pod("c", ip: "10.0.0.3", port: 8080, deleting: true), pod("d", ip: nil, port: 8080),
      ])
    let group = try #require(plan.groups.first)
    #expect(plan.groups.count == 1)
    let states = group.endpoints.map { [$0.conditions?.ready, $0.conditions?.serving, $0.conditions?.terminating] }
    #expect(states == [[true, true, false], [false, false, false], [false, true, true]])
    #expect(group.endpoints.map(\.hostname) == ["a", "b", "c"])
    let subset = try #require(plan.endpoints(for: service()).subsets?.first)
    #expect(subset.addresses?.map(\.ip) == ["10.0.0.1"])
    #expect(subset.notReadyAddresses?.map(\.ip) == ["10.0.0.2"])
  }

  @Test func namedPortsMayDifferFromPodToPod() {
    let plan = EndpointPlan(
      service(), pods: [pod("a", ip: "10.0.0.1", port: 8080), pod("b", ip: "10.0.0.2", port: 9090)])
    #expect(plan.groups.map { $0.ports.map(\.number) } == [[8080], [9090]])
    #expect(plan.slices(for: service()).count == 2)
    #expect(EndpointPlan(service(port: "missing"), pods: [pod("a", ip: "10.0.0.1", port: 1)]).groups.isEmpty)
  }

  @Test func notReadyAddressesArePublishedOnRequest() {
    let plan = EndpointPlan(service(publishNotReady: true), pods: [pod("a", ip: "10.0.0.1", port: 1, ready: false)])
    #expect(plan.groups.first?.endpoints.first?.conditions?.ready == true)
  }

  @Test func serviceWithoutPodsStillHasASlice() {
    let slices = EndpointPlan(service(), pods: []).slices(for: service())
    #expect(slices.count == 1)
    #expect(slices.first?.metadata.labels?["kubernetes.io/service-name"] == "web")
  }

  @Test func bigServicesAreSplit() {
    let pods = (0..<250).map { pod("p\($0)", ip: "10.0.1.\($0)", port: 80) }
    let slices = EndpointPlan(service(), pods: pods).slices(for: service())
    #expect(slices.map { $0.endpoints?.count ?? 0 } == [100, 100, 50])
    #expect(Set(slices.compactMap(\.metadata.name)).count == 3)
  }
}
