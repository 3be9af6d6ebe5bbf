/// Service addresses as nftables rules: destination NAT to a ready endpoint, chosen at random or by client.
///
/// Follows kube-proxy's nftables mode (Kubernetes: "Virtual IPs and Service Proxies"). A cluster IP that has no endpoint
/// for a port is left untranslated, and the filter rules refuse it.
struct ServiceRules {
  var configuration: NetworkConfiguration
  var ports: [ProxiedPort]

  /// Adds maps, chains and rules to a ruleset.
  func render(into ruleset: inout Ruleset) {
    let served = (builtIn + ports.filter { !isBuiltIn($0) }).filter { !$0.endpoints.isEmpty }
    var byClusterIP: [String] = []
    var byNodePort: [String] = []
    var hairpins: Set<IPv4Address> = []
    for port in served {
      let chain = Self.chainName(port)
      if let address = port.clusterIP {
        byClusterIP.append("\(address) . \(port.transport.rawValue) . \(port.port) : goto \(chain)")
      }
      if let nodePort = port.nodePort { byNodePort.append("\(port.transport.rawValue) . \(nodePort) : goto \(chain)") }
      hairpins.formUnion(port.endpoints.map(\.address))
      render(port, chain: chain, into: &ruleset)
    }
    ruleset.map("cluster-ips", type: "ipv4_addr . inet_proto . inet_service : verdict", elements: byClusterIP)
    ruleset.map("node-ports", type: "inet_proto . inet_service : verdict", elements: byNodePort)
    ruleset.chain(
      "services",
      rules: [
        "ip daddr . meta l4proto . th dport vmap @cluster-ips",
        "fib daddr type local meta l4proto . th dport vmap @node-ports",
      ])
    ruleset.set(
      "hairpins", type: "ipv4_addr . ipv4_addr", elements: hairpins.sorted().map { "\($0) . \($0)" })
    ruleset.base("nat-prerouting", "type nat hook prerouting priority dstnat; policy accept;", ["jump services"])
    ruleset.base("nat-output", "type nat hook output priority -100; policy accept;", ["jump services"])
    let pods = configuration.podNetwork
    ruleset.base(
      "nat-postrouting", "type nat hook postrouting priority srcnat; policy accept;",
      [
        // A pod that reaches itself through a Service must see another source, or it answers itself directly.
        "ct status dnat ip saddr . ip daddr @hairpins masquerade",
        "ip saddr \(pods) ip daddr != { \(pods), \(configuration.serviceNetwork) } masquerade",
      ])
  }

  private func render(_ port: ProxiedPort, chain: String, into ruleset: inout Ruleset) {
    let proto = port.transport.rawValue
    var rules: [String] = []
    var choices: [String] = []
    for (index, endpoint) in port.endpoints.enumerated() {
      let name = "\(chain)/\(endpoint.address)/\(endpoint.port)"
      choices.append("\(index) : goto \(name)")
      var endpointRules = ["meta l4proto \(proto) dnat to \(endpoint.address):\(endpoint.port)"]
      if let seconds = port.affinitySeconds {
        let clients = "clients-\(name)"
        ruleset.dynamicSet(clients, type: "ipv4_addr", timeoutSeconds: seconds)
        rules.append("ip saddr @\(clients) goto \(name)")
        endpointRules.insert("update @\(clients) { ip saddr }", at: 0)
      }
      ruleset.chain(name, rules: endpointRules)
    }
    rules.append("numgen random mod \(port.endpoints.count) vmap { \(choices.joined(separator: ", ")) }")
    ruleset.chain(chain, rules: rules)
  }

  /// The API server and cluster DNS: both are on the gateway, not in pods.
  private var builtIn: [ProxiedPort] {
    let api = ProxiedPort(
      name: "default/kubernetes/https", clusterIP: configuration.kubernetesServiceAddress, transport: .tcp, port: 443,
      endpoints: [ServiceEndpoint(address: configuration.gateway, port: configuration.apiServerPort)])
    let dns = [ProxiedPort.Transport.udp, .tcp].map { transport in
      ProxiedPort(
        name: "kube-system/kube-dns/dns", clusterIP: configuration.dnsServiceAddress, transport: transport, port: 53,
        endpoints: [ServiceEndpoint(address: configuration.dnsAddress, port: 53)])
    }
    return [api] + dns
  }

  private func isBuiltIn(_ port: ProxiedPort) -> Bool {
    port.clusterIP == configuration.kubernetesServiceAddress || port.clusterIP == configuration.dnsServiceAddress
  }

  /// Letters, digits, dots, dashes and slashes are all that both Kubernetes and nft allow in these names.
  static func chainName(_ port: ProxiedPort) -> String {
    "service-\(port.name)/\(port.transport.rawValue)/\(port.port)"
  }
}
