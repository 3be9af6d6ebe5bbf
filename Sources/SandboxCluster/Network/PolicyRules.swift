import KubernetesModels

/// A pod as NetworkPolicy sees it.
struct PolicyPod: Sendable, Hashable {
  var namespace: String
  var labels: [String: String]
  var address: IPv4Address
  /// Container ports by name, for policies that name a port.
  var namedPorts: [NamedPort] = []

  struct NamedPort: Sendable, Hashable {
    var name: String
    var transport: String
    var port: Int
  }
}

/// NetworkPolicies as nftables rules (Kubernetes: "Network Policies").
///
/// A pod that at least one policy selects for a direction gets only what some policy allows; answers on open connections pass always. The host's
/// own traffic (probes, port-forward) is never filtered. Ports and addresses are compared after a Service's address was translated.
struct PolicyRules {
  var configuration: NetworkConfiguration
  var policies: [NetworkPolicy]
  var pods: [PolicyPod]
  /// Labels of namespaces by name.
  var namespaces: [String: [String: String]]

  private enum Direction: String {
    case ingress, egress
    /// The field of a packet that holds the peer's address.
    var peerField: String { self == .ingress ? "ip saddr" : "ip daddr" }
  }

  /// Adds maps, chains and rules to a ruleset.
  func render(into ruleset: inout Ruleset) {
    for direction in [Direction.egress, .ingress] { render(direction, into: &ruleset) }
    let pods = configuration.podNetwork
    let gateway = configuration.gatewayInterface
    ruleset.base(
      "filter-forward", "type filter hook forward priority filter; policy accept;",
      [
        "ct state established,related accept",
        "ip saddr vmap @egress-pods",
        "ip daddr vmap @ingress-pods",
        // What is still routed to the gateway interface has no endpoint, or no pod.
        "oifname \"\(gateway)\" meta l4proto tcp reject with tcp reset",
        "oifname \"\(gateway)\" reject with icmp port-unreachable",
      ])
    ruleset.base(
      "filter-input", "type filter hook input priority filter; policy accept;",
      ["ct state established,related accept", "ip saddr \(pods) ip saddr vmap @egress-pods"])
    ruleset.base(
      "filter-output", "type filter hook output priority filter; policy accept;",
      [
        "ip daddr \(configuration.serviceNetwork) meta l4proto tcp reject with tcp reset",
        "ip daddr \(configuration.serviceNetwork) reject with icmp port-unreachable",
      ])
  }

  /// Pods with the same policies share one chain.
  private func render(_ direction: Direction, into ruleset: inout Ruleset) {
    var groups: [String: (policies: [NetworkPolicy], pods: [PolicyPod])] = [:]
    for pod in pods where pod.address != configuration.dnsAddress {
      let selecting = policies.filter { isSelected(pod, by: $0, direction) }
      guard !selecting.isEmpty else { continue }
      let key = selecting.map(\.policyKey).sorted().joined(separator: ",")
      groups[key, default: (selecting, [])].pods.append(pod)
    }
    var elements: [String] = []
    for (key, group) in groups.sorted(by: { $0.key < $1.key }) {
      let chain = "\(direction.rawValue)-\(StableHash.hex(key))"
      elements += group.pods.map(\.address).sorted().map { "\($0) : jump \(chain)" }
      let rules = group.policies.sorted { $0.policyKey < $1.policyKey }.flatMap { policy in
        self.rules(policy, direction, selected: group.pods)
      }
      ruleset.chain(chain, rules: Self.unique(rules.map { $0.isEmpty ? "return" : $0 + " return" }) + ["counter drop"])
    }
    ruleset.map("\(direction.rawValue)-pods", type: "ipv4_addr : verdict", elements: elements)
  }

  private func isSelected(_ pod: PolicyPod, by policy: NetworkPolicy, _ direction: Direction) -> Bool {
    guard policy.metadata.namespace == pod.namespace, let spec = policy.spec else { return false }
    // Without policyTypes every policy is about ingress, and about egress when it has such rules.
    let types = spec.policyTypes ?? (spec.egress == nil ? ["Ingress"] : ["Ingress", "Egress"])
    guard types.contains(direction == .ingress ? "Ingress" : "Egress") else { return false }
    return LabelMatch.matches(spec.podSelector, pod.labels)
  }

  /// One match expression for each allowed combination, without verdict.
  private func rules(_ policy: NetworkPolicy, _ direction: Direction, selected: [PolicyPod]) -> [String] {
    let allowed: [(peers: [NetworkPolicyPeer], ports: [NetworkPolicyPort])] =
      switch direction {
      case .ingress: (policy.spec?.ingress ?? []).map { ($0.from ?? [], $0.ports ?? []) }
      case .egress: (policy.spec?.egress ?? []).map { ($0.to ?? [], $0.ports ?? []) }
      }
    let namespace = policy.metadata.namespace ?? ""
    return allowed.flatMap { peers, ports in
      let matches = peers.isEmpty ? [""] : peers.compactMap { match($0, in: namespace, direction) }
      // A named port is looked up in the pods that receive the traffic.
      let receivers = direction == .ingress ? selected : receivers(peers, in: namespace)
      let portMatches = ports.isEmpty ? [""] : ports.flatMap { match($0, receivers: receivers) }
      return matches.flatMap { peer in
        portMatches.map { port in [peer, port].filter { !$0.isEmpty }.joined(separator: " ") }
      }
    }
  }

  // MARK: Peers

  /// Nil when nobody matches.
  private func match(_ peer: NetworkPolicyPeer, in namespace: String, _ direction: Direction) -> String? {
    if let block = peer.ipBlock {
      guard let network = IPv4Network(block.cidr) else { return nil }
      let inside = network.prefixLength == 0 ? "" : "\(direction.peerField) \(network)"
      let except = (block.except ?? []).compactMap { IPv4Network($0) }.map(\.description)
      let outside = except.isEmpty ? "" : "\(direction.peerField) != { \(except.joined(separator: ", ")) }"
      return [inside, outside].filter { !$0.isEmpty }.joined(separator: " ")
    }
    let addresses = pods.filter { matches(peer, $0, in: namespace) }.map(\.address)
    guard !addresses.isEmpty else { return nil }
    return "\(direction.peerField) { \(Set(addresses).sorted().map(\.description).joined(separator: ", ")) }"
  }

  private func matches(_ peer: NetworkPolicyPeer, _ pod: PolicyPod, in namespace: String) -> Bool {
    guard peer.ipBlock == nil else { return false }
    if let selector = peer.namespaceSelector {
      guard LabelMatch.matches(selector, namespaces[pod.namespace] ?? [:]) else { return false }
    } else if pod.namespace != namespace {
      return false
    }
    return LabelMatch.matches(peer.podSelector, pod.labels)
  }

  private func receivers(_ peers: [NetworkPolicyPeer], in namespace: String) -> [PolicyPod] {
    peers.isEmpty ? pods : pods.filter { pod in peers.contains { matches($0, pod, in: namespace) } }
  }

  // MARK: Ports

  private func match(_ port: NetworkPolicyPort, receivers: [PolicyPod]) -> [String] {
    let transport = (port.protocol ?? "TCP").lowercased()
    switch port.port {
    case nil: return ["meta l4proto \(transport)"]
    case .int(let number):
      let end = port.endPort.map { Int($0) } ?? Int(number)
      return ["\(transport) dport \(Int(number) == end ? "\(number)" : "\(number)-\(end)")"]
    case .string(let name):
      let pairs = receivers.flatMap { pod in
        pod.namedPorts.filter { $0.name == name && $0.transport == transport }.map { "\(pod.address) . \($0.port)" }
      }
      guard !pairs.isEmpty else { return [] }
      return ["ip daddr . \(transport) dport { \(Set(pairs).sorted().joined(separator: ", ")) }"]
    }
  }

  private static func unique(_ rules: [String]) -> [String] {
    var seen: Set<String> = []
    return rules.filter { seen.insert($0).inserted }
  }
}

extension NetworkPolicy {
  fileprivate var policyKey: String { "\(metadata.namespace ?? "")/\(metadata.name ?? "")" }
}
