import FoundationEssentials

/// The machine's side of the pod network: a gateway interface, and for every pod a network namespace on a routed link.
///
/// Links are routed, not bridged: each pod has a /32 and reaches everything through its own link, so that every packet
/// between two pods passes the host's forward hook, where NetworkPolicy is enforced.
public struct HostNetwork: Sendable {
  public let configuration: NetworkConfiguration

  public init(configuration: NetworkConfiguration) {
    self.configuration = configuration
  }

  /// One pod's place in the network.
  public struct Link: Sendable, Hashable {
    /// The name of the network namespace and, in it, of nothing else.
    public var namespace: String
    public var address: IPv4Address
    /// What a container runtime joins.
    public var namespacePath: String { "/var/run/netns/\(namespace)" }
  }

  /// What every pod uses as its router; it exists on no interface and is answered by proxy ARP.
  private static let linkGateway = "169.254.1.1"

  // MARK: The whole

  /// Makes the gateway interface and the routes, after removing what an earlier run left.
  ///
  /// Addresses that no pod has are routed to the gateway interface too, where the ruleset refuses them at once.
  /// - Throws: `Command.Failure`.
  public func setUp() async throws {
    await Self.removeAll(instance: configuration.instance)
    let interface = configuration.gatewayInterface
    // Small kernels lack the dummy device; an empty bridge holds an address just as well.
    let dummy = try await Command.outcome("ip", ["link", "add", interface, "type", "dummy"])
    if dummy.exitCode != 0 { try await Command.run("ip", ["link", "add", interface, "type", "bridge"]) }
    try await Command.run(
      "ip", ["-batch", "-"],
      input: """
        addr add \(configuration.gateway)/32 dev \(interface)
        addr add \(configuration.dnsAddress)/32 dev \(interface)
        link set \(interface) up
        route add \(configuration.serviceNetwork) dev \(interface) src \(configuration.gateway)
        route add \(configuration.podNetwork) dev \(interface) src \(configuration.gateway)

        """)
    try Forwarding.enable(instance: configuration.instance)
    try await ForwardPermission.grant(instance: configuration.instance, pods: configuration.podNetwork)
  }

  // MARK: Pods

  /// Makes a namespace with one interface that has the address, and the route to it.
  ///
  /// - Parameter id: unique in the sandbox, at most eight characters.
  /// - Throws: `Command.Failure`; nothing is left behind then.
  public func attach(id: String, address: IPv4Address) async throws -> Link {
    let link = Link(namespace: "\(configuration.instance)-\(id)", address: address)
    let interface = Self.hostInterface(link)
    do {
      try await Command.run(
        "ip", ["-batch", "-"],
        input: """
          netns add \(link.namespace)
          link add \(interface) type veth peer name eth0 netns \(link.namespace)
          link set \(interface) up
          route add \(address)/32 dev \(interface)

          """)
      try write("1", "/proc/sys/net/ipv4/conf/\(interface)/proxy_arp")
      // Answer ARP at once instead of after a random part of 0.8 s.
      try write("0", "/proc/sys/net/ipv4/neigh/\(interface)/proxy_delay")
      try await Command.run(
        "ip", ["-n", link.namespace, "-batch", "-"],
        input: """
          link set lo up
          addr add \(address)/32 dev eth0
          link set eth0 up
          route add \(Self.linkGateway) dev eth0 scope link
          route add default via \(Self.linkGateway) dev eth0

          """)
      return link
    } catch {
      await detach(link)
      throw error
    }
  }

  /// Removes a pod's link and namespace; does nothing where they are gone.
  public func detach(_ link: Link) async {
    // The link first: a namespace goes only when its last process does.
    _ = try? await Command.outcome("ip", ["link", "del", Self.hostInterface(link)])
    _ = try? await Command.outcome("ip", ["netns", "del", link.namespace])
  }

  private static func hostInterface(_ link: Link) -> String { link.namespace.replacing("-", with: "v") }

  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }

  // MARK: Removal

  /// Removes the interfaces, namespaces, routes and the nft table of a sandbox, whoever made them.
  public static func removeAll(instance: String) async {
    _ = try? await Command.outcome("nft", ["delete", "table", "ip", "\(instance)-sandbox"])
    await ForwardPermission.withdraw(instance: instance)
    let links = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/net")) ?? []
    for link in links where link == "\(instance)0" || isHostInterface(link, of: instance) {
      _ = try? await Command.outcome("ip", ["link", "del", link])
    }
    let namespaces = (try? FileManager.default.contentsOfDirectory(atPath: "/var/run/netns")) ?? []
    for namespace in namespaces where namespace.hasPrefix("\(instance)-") {
      _ = try? await Command.outcome("ip", ["netns", "del", namespace])
    }
    Forwarding.release(instance: instance)
  }

  private static func isHostInterface(_ name: String, of instance: String) -> Bool {
    guard name.hasPrefix("\(instance)v") else { return false }
    return name.dropFirst(instance.count + 1).allSatisfy(\.isHexDigit)
  }
}
