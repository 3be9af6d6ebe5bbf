import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Makes the NetworkPolicies and the Ingress.
struct NetworkReconciler: ComponentReconciler {
  let component = PlatformComponent.network

  func reconcile(_ context: PlatformContext) async throws -> ComponentReport {
    let platform = context.platform
    let endpoints = Self.endpoints(context.informers.apiServer.list())
    let policies = NetworkPolicyObjects(platform: platform, apiServer: endpoints).objects
    let ingress = IngressObjects(platform: platform).objects
    try await context.writer.reconcile(.network, policies + ingress)
    let condition = ComponentCondition.available(
      policies.isEmpty
        ? "network policies are disabled; every pod in reach may connect"
        : "\(policies.count) network policies admit only the platform's own flows")
    return ComponentReport(condition: condition) { status in
      var endpoints = status.endpoints ?? EndpointsStatus()
      endpoints.url = platform.hasIngress ? platform.spec.network.ingress.host.map { "https://\($0)" } : nil
      status.endpoints = endpoints
    }
  }

  /// Addresses that pods reach the API server at, sorted so that the policy does not change with their order.
  static func endpoints(_ slices: [EndpointSlice]) -> [NetworkPolicyObjects.APIServerEndpoint] {
    var all: [NetworkPolicyObjects.APIServerEndpoint] = []
    for slice in slices {
      for port in slice.ports ?? [] {
        guard let number = port.port else { continue }
        for endpoint in slice.endpoints ?? [] {
          all += endpoint.addresses.map { NetworkPolicyObjects.APIServerEndpoint(address: $0, port: number) }
        }
      }
    }
    return all.sorted { ($0.address, $0.port) < ($1.address, $1.port) }
  }
}
