/// The names and addresses that one sandbox uses on the machine.
///
/// Everything that the sandbox makes there (interfaces, network namespaces, nft table, cgroups, containers, folders)
/// carries ``instance``, so that what a killed process left can be found and removed.
public struct NetworkConfiguration: Sendable {
  /// Two to six lower-case letters and digits, the first a letter: an interface name has 15 characters in all.
  public var instance: String
  /// Pods get their addresses from here. The first is the gateway (API server), the second answers DNS.
  public var podNetwork: IPv4Network
  /// Addresses of Services.
  public var serviceNetwork: IPv4Network
  /// Where the API server listens on ``gateway``.
  public var apiServerPort: Int
  public var clusterDomain: String
  /// Name servers for names outside the cluster; nil reads `/etc/resolv.conf`.
  public var upstreamNameServers: [IPv4Address]?

  public init(
    instance: String = "rtx", podNetwork: IPv4Network? = nil, serviceNetwork: IPv4Network? = nil,
    apiServerPort: Int = 6443, clusterDomain: String = "cluster.local", upstreamNameServers: [IPv4Address]? = nil
  ) {
    self.instance = instance
    self.podNetwork = podNetwork ?? Self.defaultPodNetwork
    self.serviceNetwork = serviceNetwork ?? Self.defaultServiceNetwork
    self.apiServerPort = apiServerPort
    self.clusterDomain = clusterDomain
    self.upstreamNameServers = upstreamNameServers
  }

  /// 10.244.0.0/16, what most clusters use.
  public static let defaultPodNetwork = IPv4Network(first: IPv4Address(value: 10 << 24 | 244 << 16), prefixLength: 16)
  /// 10.96.0.0/16, inside kubeadm's default.
  public static let defaultServiceNetwork = IPv4Network(
    first: IPv4Address(value: 10 << 24 | 96 << 16), prefixLength: 16)

  /// The host's own address in the pod network: the API server listens here.
  public var gateway: IPv4Address { podNetwork.first.advanced(by: 1) }
  /// Where cluster DNS listens. An address of its own, so that a NetworkPolicy can name it as if it were the DNS pod.
  public var dnsAddress: IPv4Address { podNetwork.first.advanced(by: 2) }
  /// The cluster IP of `kubernetes.default`.
  public var kubernetesServiceAddress: IPv4Address { serviceNetwork.first.advanced(by: 1) }
  /// The cluster IP of `kube-dns.kube-system`, which every pod's resolv.conf names.
  public var dnsServiceAddress: IPv4Address { serviceNetwork.first.advanced(by: 10) }

  /// The interface that holds ``gateway`` and ``dnsAddress``.
  var gatewayInterface: String { "\(instance)0" }
  var tableName: String { "\(instance)-sandbox" }
  var cgroupName: String { "\(instance)-sandbox" }
}
