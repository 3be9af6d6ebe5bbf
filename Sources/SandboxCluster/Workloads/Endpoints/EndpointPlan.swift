import KubernetesModels
import OperatorRuntime

/// The endpoints of a service: which pods, in what state, on which ports. Pure (Kubernetes: "EndpointSlices").
struct EndpointPlan: Equatable {
  static let managedByLabel = "endpointslice.kubernetes.io/managed-by"
  static let serviceLabel = "kubernetes.io/service-name"
  static let controllerName = "endpointslice-controller.k8s.io"
  static let endpointsLabel = "endpoints.kubernetes.io/managed-by"
  static let endpointsController = "endpoint-controller"
  /// Endpoints in one slice (the controller manager's default).
  static let sliceSize = 100

  struct Port: Hashable {
    var name: String
    var number: Int
    var networkProtocol: String
    var appProtocol: String?
  }

  /// One group of pods with the same port numbers; a named target port may differ from pod to pod.
  struct Group: Equatable {
    var ports: [Port]
    var endpoints: [Endpoint]
  }

  let groups: [Group]

  init(_ service: Service, pods: [Pod]) {
    let publishAll = service.spec?.publishNotReadyAddresses == true
    var order: [[Port]] = []
    var byPorts: [[Port]: [Endpoint]] = [:]
    for pod in pods.sorted(by: { $0.key < $1.key }) {
      guard let address = pod.status?.podIP, !address.isEmpty, !pod.isFinished else { continue }
      let ports = Self.ports(of: service, on: pod)
      // A service with ports says nothing about a pod that has none of them.
      if ports.isEmpty, !(service.spec?.ports ?? []).isEmpty { continue }
      if byPorts[ports] == nil { order.append(ports) }
      byPorts[ports, default: []].append(Self.endpoint(pod, address, service, publishAll: publishAll))
    }
    groups = order.map { Group(ports: $0, endpoints: byPorts[$0] ?? []) }
  }

  private static func endpoint(_ pod: Pod, _ address: String, _ service: Service, publishAll: Bool) -> Endpoint {
    let isServing = pod.isReady
    // Kubernetes: a terminating pod is never ready, except when not-ready addresses are published anyway.
    let isReady = publishAll || (isServing && !pod.isTerminating)
    let isNamed = pod.spec?.subdomain != nil && pod.spec?.subdomain == service.metadata.name
    return Endpoint(
      addresses: [address],
      conditions: EndpointConditions(ready: isReady, serving: publishAll || isServing, terminating: pod.isTerminating),
      hostname: isNamed ? pod.spec?.hostname : nil, nodeName: pod.spec?.nodeName,
      targetRef: ObjectReference(
        kind: "Pod", name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid))
  }

  static func ports(of service: Service, on pod: Pod) -> [Port] {
    (service.spec?.ports ?? []).compactMap { port in
      guard let number = number(of: port, on: pod) else { return nil }
      return Port(
        name: port.name ?? "", number: number, networkProtocol: port.protocol ?? "TCP", appProtocol: port.appProtocol)
    }
  }

  private static func number(of port: ServicePort, on pod: Pod) -> Int? {
    switch port.targetPort {
    case nil: return port.port
    case .int(let number): return number == 0 ? port.port : number
    case .string(let name):
      let sidecars = (pod.spec?.initContainers ?? []).filter { $0.restartPolicy == "Always" }
      for container in (pod.spec?.containers ?? []) + sidecars {
        for candidate in container.ports ?? []
        where candidate.name == name && candidate.protocol ?? "TCP" == port.protocol ?? "TCP" {
          return candidate.containerPort
        }
      }
      return nil
    }
  }

  /// The slices, named so that the same content always has the same name.
  func slices(for service: Service) -> [EndpointSlice] {
    var slices: [EndpointSlice] = []
    for group in groups.isEmpty ? [Group(ports: [], endpoints: [])] : groups {
      let pieces = stride(from: 0, to: max(group.endpoints.count, 1), by: Self.sliceSize).map {
        Array(group.endpoints.dropFirst($0).prefix(Self.sliceSize))
      }
      for piece in pieces {
        let name = "\(service.metadata.name ?? "")-\(TemplateHash.of(Array("slice".utf8), collisions: slices.count))"
        slices.append(slice(for: service, name: name, ports: group.ports, endpoints: piece))
      }
    }
    return slices
  }

  private func slice(for service: Service, name: String, ports: [Port], endpoints: [Endpoint]) -> EndpointSlice {
    var labels = service.metadata.labels ?? [:]
    labels[Self.serviceLabel] = service.metadata.name
    labels[Self.managedByLabel] = Self.controllerName
    if service.spec?.clusterIP == "None" { labels["service.kubernetes.io/headless"] = "" }
    return EndpointSlice(
      addressType: "IPv4", endpoints: endpoints,
      metadata: ObjectMeta(
        labels: labels, name: name, namespace: service.metadata.namespace,
        ownerReferences: OwnerReference(controlling: service).map { [$0] }),
      ports: ports.map {
        EndpointPort(appProtocol: $0.appProtocol, name: $0.name, port: $0.number, protocol: $0.networkProtocol)
      })
  }

  /// The older form of the same, which `kubectl get endpoints` and some clients read.
  func endpoints(for service: Service) -> Endpoints {
    let subsets = groups.map { group in
      func addresses(ready: Bool) -> [EndpointAddress]? {
        let chosen = group.endpoints.filter { ($0.conditions?.ready ?? true) == ready }
          // A pod on its way out is in neither list.
          .filter { ready || $0.conditions?.terminating != true }
        guard !chosen.isEmpty else { return nil }
        return chosen.map {
          EndpointAddress(
            hostname: $0.hostname, ip: $0.addresses.first ?? "", nodeName: $0.nodeName, targetRef: $0.targetRef)
        }
      }
      return EndpointSubset(
        addresses: addresses(ready: true), notReadyAddresses: addresses(ready: false),
        ports: group.ports.map {
          CoreEndpointPort(
            appProtocol: $0.appProtocol, name: $0.name.isEmpty ? nil : $0.name, port: $0.number,
            protocol: $0.networkProtocol)
        })
    }
    var labels = service.metadata.labels ?? [:]
    labels[Self.endpointsLabel] = Self.endpointsController
    if service.spec?.clusterIP == "None" { labels["service.kubernetes.io/headless"] = "" }
    return Endpoints(
      metadata: ObjectMeta(labels: labels, name: service.metadata.name, namespace: service.metadata.namespace),
      subsets: subsets.filter { $0.addresses != nil || $0.notReadyAddresses != nil })
  }
}
