import KubernetesModels
import RTXPlatformAPI

/// Everything refused but the flows that the platform needs (deployment architecture: "13. NetworkPolicy").
///
/// Traffic between a node and the pods on it is not subject to policies, so probes need no rule.
struct NetworkPolicyObjects {
  /// An address behind the API server's Service, which Patroni keeps its lease at.
  struct APIServerEndpoint: Equatable {
    var address: String
    var port: Int
  }

  let platform: RTXPlatform
  /// Empty when unknown; then the usual ports are open to any address.
  var apiServer: [APIServerEndpoint] = []

  var objects: [any KubernetesResource] {
    guard platform.spec.network.policy.enabled else { return [] }
    var policies = [defaultDeny, backend]
    if platform.spec.postgres.external == nil { policies.append(postgres) }
    if platform.spec.redis.external == nil { policies.append(redis) }
    if platform.spec.backup.enabled { policies.append(backup) }
    if platform.hasColours { policies.append(release) }
    return policies
  }

  private var defaultDeny: NetworkPolicy {
    NetworkPolicy(
      metadata: platform.objectMetadata(.network, "default-deny"),
      spec: NetworkPolicySpec(
        podSelector: LabelSelector(matchLabels: [PlatformConstants.platformLabel: platform.name]),
        policyTypes: ["Ingress", "Egress"]))
  }

  private var backend: NetworkPolicy {
    let spec = platform.spec
    let namespaces = Set(spec.network.policy.ingressNamespaces).union(spec.monitoring.namespaces).sorted()
    let https = NetworkPolicyEgressRule(ports: [tcp(443)])
    var ingress = namespaces.isEmpty ? [] : [allow(from: [self.namespaces(namespaces)], spec.backend.port)]
    // The operator tests a release, watches its figures and sends clients away; a test of the user's may do the first.
    if platform.hasColours { ingress.append(allow(from: [operatorPods, releasePods], spec.backend.port)) }
    return policy(
      .backend, ingress: ingress,
      egress: [
        database(), to(.redis, PlatformPort.redis, external: spec.redis.external.map { $0.port }), dns, https,
      ])
  }

  private var postgres: NetworkPolicy {
    let members = platform.selectorLabels(.postgres)
    return policy(
      .postgres,
      ingress: [
        allow(
          from: [pods(.backend), pods(.backup), pods(.postgres)] + (platform.hasColours ? [releasePods] : []),
          PlatformPort.postgres),
        allow(from: [pods(.postgres)], PlatformPort.patroni),
      ],
      egress: [
        NetworkPolicyEgressRule(
          ports: [tcp(PlatformPort.postgres), tcp(PlatformPort.patroni)],
          to: [NetworkPolicyPeer(podSelector: LabelSelector(matchLabels: members))]),
        dns,
      ] + apiServerRules)
  }

  private var redis: NetworkPolicy {
    let peers = [pods(.backend)] + (platform.hasColours ? [releasePods] : [])
    return policy(.redis, ingress: [allow(from: peers, PlatformPort.redis)], egress: [])
  }

  private var backup: NetworkPolicy {
    policy(.backup, ingress: [], egress: [database(), dns])
  }

  /// The Jobs of a release: migrations and tests.
  private var release: NetworkPolicy {
    NetworkPolicy(
      metadata: platform.objectMetadata(.network, PlatformConstants.releaseComponent),
      spec: NetworkPolicySpec(
        egress: [
          database(), to(.redis, PlatformPort.redis, external: platform.spec.redis.external.map { $0.port }),
          to(.backend, platform.spec.backend.port, external: nil), dns,
        ],
        podSelector: releasePods.podSelector, policyTypes: ["Ingress", "Egress"]))
  }

  private var releasePods: NetworkPolicyPeer {
    NetworkPolicyPeer(
      podSelector: LabelSelector(matchLabels: [
        PlatformConstants.platformLabel: platform.name,
        "app.kubernetes.io/component": PlatformConstants.releaseComponent,
      ]))
  }

  /// Wherever it is installed, by the label of config/manager.
  private var operatorPods: NetworkPolicyPeer {
    NetworkPolicyPeer(
      namespaceSelector: LabelSelector(),
      podSelector: LabelSelector(matchLabels: ["app.kubernetes.io/name": PlatformConstants.manager]))
  }

  // MARK: Parts

  private func policy(
    _ component: PlatformComponent, ingress: [NetworkPolicyIngressRule], egress: [NetworkPolicyEgressRule]
  ) -> NetworkPolicy {
    NetworkPolicy(
      metadata: platform.objectMetadata(.network, component.rawValue),
      spec: NetworkPolicySpec(
        egress: egress.isEmpty ? nil : egress, ingress: ingress.isEmpty ? nil : ingress,
        podSelector: LabelSelector(matchLabels: platform.selectorLabels(component)),
        policyTypes: ["Ingress", "Egress"]))
  }

  private func database() -> NetworkPolicyEgressRule {
    to(.postgres, PlatformPort.postgres, external: platform.spec.postgres.external.map { $0.port })
  }

  /// To a component's pods, or where others run it, to its port anywhere: policies know no host names.
  private func to(_ component: PlatformComponent, _ port: Int, external: Int?) -> NetworkPolicyEgressRule {
    if let external { return NetworkPolicyEgressRule(ports: [tcp(external)]) }
    return NetworkPolicyEgressRule(ports: [tcp(port)], to: [pods(component)])
  }

  private func allow(from peers: [NetworkPolicyPeer], _ port: Int) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule(from: peers, ports: [tcp(port)])
  }

  private func pods(_ component: PlatformComponent) -> NetworkPolicyPeer {
    NetworkPolicyPeer(podSelector: LabelSelector(matchLabels: platform.selectorLabels(component)))
  }

  /// By the label that the API server puts on every namespace.
  private func namespaces(_ names: [String]) -> NetworkPolicyPeer {
    NetworkPolicyPeer(
      namespaceSelector: LabelSelector(matchExpressions: [
        LabelSelectorRequirement(key: "kubernetes.io/metadata.name", operator: "In", values: names)
      ]))
  }

  private var dns: NetworkPolicyEgressRule {
    NetworkPolicyEgressRule(
      ports: [NetworkPolicyPort(port: .int(53), protocol: "UDP"), tcp(53)],
      to: [
        NetworkPolicyPeer(
          namespaceSelector: LabelSelector(), podSelector: LabelSelector(matchLabels: ["k8s-app": "kube-dns"]))
      ])
  }

  /// Policies apply to the address behind a Service, so the Service's own address does not help.
  private var apiServerRules: [NetworkPolicyEgressRule] {
    guard !apiServer.isEmpty else { return [NetworkPolicyEgressRule(ports: [tcp(443), tcp(6443)])] }
    return apiServer.map { endpoint in
      let length = endpoint.address.contains(":") ? 128 : 32
      return NetworkPolicyEgressRule(
        ports: [tcp(endpoint.port)],
        to: [NetworkPolicyPeer(ipBlock: IPBlock(cidr: "\(endpoint.address)/\(length)"))])
    }
  }

  private func tcp(_ port: Int) -> NetworkPolicyPort { NetworkPolicyPort(port: .int(port), protocol: "TCP") }
}
