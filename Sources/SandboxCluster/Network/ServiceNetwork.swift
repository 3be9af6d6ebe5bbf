public import KubernetesClient
import KubernetesModels
public import Logging
import NIOPosix
import OperatorRuntime

/// What kube-proxy, the policy engine of a CNI plug-in and CoreDNS do in a cluster, for one machine.
///
/// It watches Services, EndpointSlices, Pods, Namespaces and NetworkPolicies, and keeps one nft table and the DNS zone equal to them. Nothing is
/// written while nothing changes.
public final class ServiceNetwork: Sendable {
  private let configuration: NetworkConfiguration
  private let logger: Logger
  private let services: Informer<Service>
  private let slices: Informer<EndpointSlice>
  private let pods: Informer<Pod>
  private let namespaces: Informer<Namespace>
  private let policies: Informer<NetworkPolicy>
  private let dns: DNSServer

  public init(
    client: KubernetesClient, configuration: NetworkConfiguration, logger: Logger = Logger(label: "service-network")
  ) {
    self.configuration = configuration
    self.logger = logger
    services = Informer(client: client)
    slices = Informer(client: client)
    pods = Informer(client: client)
    namespaces = Informer(client: client)
    policies = Informer(client: client)
    dns = DNSServer(configuration: configuration, logger: logger)
  }

  /// Runs until cancelled. ``HostNetwork/setUp()`` must have been called: DNS listens on its interface.
  /// - Throws: when DNS cannot listen or a watch fails for good.
  public func run() async throws {
    let (changes, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    services.observe { _ in changed.yield() }
    slices.observe { _ in changed.yield() }
    namespaces.observe { _ in changed.yield() }
    policies.observe { _ in changed.yield() }
    pods.observe { change in
      if case .updated(let old, let new) = change, PolicyPods.isSame(old, new) { return }
      changed.yield()
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      let informers: [any AnyInformer] = [services, slices, pods, namespaces, policies]
      for informer in informers { group.addTask { try await informer.run() } }
      group.addTask { [self] in
        let upstream = configuration.upstreamNameServers ?? DNSServer.machineNameServers()
        try await dns.run(
          address: configuration.dnsAddress, upstream: upstream, group: MultiThreadedEventLoopGroup.singleton)
      }
      group.addTask { [self] in
        for informer in informers { try await informer.waitUntilSynced() }
        try await follow(changes, again: { changed.yield() })
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func follow(_ changes: AsyncStream<Void>, again: @escaping @Sendable () -> Void) async throws {
    var loaded: Ruleset?
    var zone: DNSZone?
    again()
    for await _ in changes {
      // What comes together (a rollout, a list of objects applied at once) is written together.
      try await Task.sleep(for: .milliseconds(20))
      let services = services.list()
      let slices = slices.list()
      let nextZone = DNSZone(configuration: configuration, services: services, slices: slices)
      if nextZone != zone { dns.update(nextZone) }
      zone = nextZone
      let next = ruleset(services, slices)
      guard next != loaded else { continue }
      do {
        try await Command.run("nft", ["-f", "-"], input: next.transaction(replacing: loaded))
        loaded = next
      } catch {
        logger.error("the nft table could not be loaded; trying again from scratch", metadata: ["error": "\(error)"])
        loaded = nil
        try await Task.sleep(for: .seconds(1))
        again()
      }
    }
  }

  private func ruleset(_ services: [Service], _ slices: [EndpointSlice]) -> Ruleset {
    var ruleset = Ruleset(table: configuration.tableName)
    ServiceRules(configuration: configuration, ports: ProxiedPort.all(services: services, slices: slices))
      .render(into: &ruleset)
    let labels = namespaces.list().map { ($0.metadata.name ?? "", $0.metadata.labels ?? [:]) }
    PolicyRules(
      configuration: configuration, policies: policies.list(),
      pods: PolicyPods.all(pods.list(), configuration: configuration),
      namespaces: Dictionary(labels, uniquingKeysWith: { first, _ in first })
    ).render(into: &ruleset)
    return ruleset
  }
}

/// Pod objects as NetworkPolicy sees them.
enum PolicyPods {
  /// The pods with an address of their own, and the name server as the pod it stands for.
  static func all(_ pods: [Pod], configuration: NetworkConfiguration) -> [PolicyPod] {
    let dns = PolicyPod(
      namespace: "kube-system", labels: ["k8s-app": "kube-dns"], address: configuration.dnsAddress,
      namedPorts: [.init(name: "dns", transport: "udp", port: 53), .init(name: "dns-tcp", transport: "tcp", port: 53)])
    return [dns]
      + pods.compactMap { pod in
        guard let text = pod.status?.podIP, let address = IPv4Address(text), pod.spec?.hostNetwork != true,
          pod.status?.phase != "Succeeded", pod.status?.phase != "Failed"
        else { return nil }
        return PolicyPod(
          namespace: pod.metadata.namespace ?? "", labels: pod.metadata.labels ?? [:], address: address,
          namedPorts: namedPorts(pod))
      }
  }

  private static func namedPorts(_ pod: Pod) -> [PolicyPod.NamedPort] {
    (pod.spec?.containers ?? []).flatMap { $0.ports ?? [] }.compactMap { port in
      port.name.map {
        PolicyPod.NamedPort(
          name: $0, transport: (port.protocol ?? "TCP").lowercased(), port: Int(port.containerPort))
      }
    }
  }

  /// Whether a change of a pod leaves the rules as they are.
  static func isSame(_ old: Pod, _ new: Pod) -> Bool {
    old.metadata.labels == new.metadata.labels && old.status?.podIP == new.status?.podIP
      && old.status?.phase == new.status?.phase
  }
}
