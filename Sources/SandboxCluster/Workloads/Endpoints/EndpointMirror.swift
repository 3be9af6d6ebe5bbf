import KubernetesModels
import OperatorRuntime

/// The slices of Endpoints that somebody else writes, for a service without selector (Patroni does so for its leader).
/// Pure; the counterpart of Kubernetes' endpointslice-mirroring controller.
enum EndpointMirror {
  static let controllerName = "endpointslicemirroring-controller.k8s.io"
  private static let skipLabel = "endpointslice.kubernetes.io/skip-mirror"

  static func slices(of endpoints: Endpoints, for service: Service) -> [EndpointSlice] {
    guard endpoints.metadata.labels?[skipLabel] != "true" else { return [] }
    return (endpoints.subsets ?? []).enumerated().map { index, subset in
      let ready = (subset.addresses ?? []).map { endpoint($0, isReady: true) }
      let notReady = (subset.notReadyAddresses ?? []).map { endpoint($0, isReady: false) }
      var labels = endpoints.metadata.labels ?? [:]
      labels[EndpointPlan.serviceLabel] = service.metadata.name
      labels[EndpointPlan.managedByLabel] = controllerName
      let name = "\(service.metadata.name ?? "")-\(TemplateHash.of(Array("mirror".utf8), collisions: index))"
      return EndpointSlice(
        addressType: "IPv4", endpoints: ready + notReady,
        metadata: ObjectMeta(
          labels: labels, name: name, namespace: service.metadata.namespace,
          ownerReferences: OwnerReference(controlling: endpoints).map { [$0] }),
        ports: (subset.ports ?? []).map {
          EndpointPort(appProtocol: $0.appProtocol, name: $0.name ?? "", port: $0.port, protocol: $0.protocol ?? "TCP")
        })
    }
  }

  private static func endpoint(_ address: EndpointAddress, isReady: Bool) -> Endpoint {
    Endpoint(
      addresses: [address.ip],
      conditions: EndpointConditions(ready: isReady, serving: isReady, terminating: false),
      hostname: address.hostname, nodeName: address.nodeName, targetRef: address.targetRef)
  }
}
