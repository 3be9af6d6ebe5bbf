import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite("Services, policies and names as the machine sees them")
struct NetworkRulesTests {
  let configuration = NetworkConfiguration(instance: "tst")

  func service(_ name: String, ip: String?, port: Int = 80, affinity: String? = nil) -> Service {
    Service(
      metadata: ObjectMeta(name: name, namespace: "shop"),
      spec: ServiceSpec(
        clusterIP: ip, ports: [ServicePort(name: "http", port: port)], selector: ["app": name],
        sessionAffinity: affinity))
  }

  func slice(_ name: String, _ endpoints: [(String, EndpointConditions?)], hostname: String? = nil) -> EndpointSlice {
    EndpointSlice(
      addressType: "IPv4",
      endpoints: endpoints.map { Endpoint(addresses: [$0.0], conditions: $0.1, hostname: hostname) },
      metadata: ObjectMeta(labels: ["kubernetes.io/service-name": name], name: "\(name)-1", namespace: "shop"),
      ports: [EndpointPort(name: "http", port: 8080)])
  }

  func rules(_ services: [Service], _ slices: [EndpointSlice]) -> Ruleset {
    var ruleset = Ruleset(table: "t")
    ServiceRules(configuration: configuration, ports: ProxiedPort.all(services: services, slices: slices))
      .render(into: &ruleset)
    return ruleset
  }

  // MARK: Services

  @Test func onlyReadyEndpointsGetTraffic() {
    let notReady = EndpointConditions(ready: false, serving: false, terminating: false)
    let ports = ProxiedPort.all(
      services: [service("web", ip: "10.96.0.7")],
      slices: [slice("web", [("10.244.0.4", nil), ("10.244.0.5", notReady)])])
    #expect(ports.first?.endpoints.map(\.address.description) == ["10.244.0.4"])
  }

  @Test func withoutReadyEndpointsThoseThatEndStillServe() {
    let ending = EndpointConditions(ready: false, serving: true, terminating: true)
    let ports = ProxiedPort.all(
      services: [service("web", ip: "10.96.0.7")], slices: [slice("web", [("10.244.0.4", ending)])])
    #expect(ports.first?.endpoints.count == 1)
  }

  @Test func aServiceWithoutEndpointsIsLeftToTheRefusal() {
    let ruleset = rules([service("web", ip: "10.96.0.7")], [])
    #expect(ruleset.maps["cluster-ips"]?.contains("10.96.0.7") == false)
  }

  @Test func clientAffinityKeepsItsSetAcrossReloads() {
    let web = service("web", ip: "10.96.0.7", affinity: "ClientIP")
    let one = rules([web], [slice("web", [("10.244.0.4", nil)])])
    let two = rules([web], [slice("web", [("10.244.0.4", nil), ("10.244.0.5", nil)])])
    let set = "clients-service-shop/web/http/tcp/80/10.244.0.4/8080"
    #expect(one.dynamicSets.keys.contains(set))
    let reload = two.transaction(replacing: one)
    #expect(!reload.contains("delete set ip t \(set)"))
    #expect(!reload.contains("delete table"))
    let back = one.transaction(replacing: two)
    #expect(back.contains("delete set ip t clients-service-shop/web/http/tcp/80/10.244.0.5/8080"))
    #expect(back.contains("delete chain ip t service-shop/web/http/tcp/80/10.244.0.5/8080"))
  }

  @Test func theApiServerAndDnsAreAlwaysThere() {
    let map = rules([], []).maps["cluster-ips"] ?? ""
    #expect(map.contains("10.96.0.1 . tcp . 443"))
    #expect(map.contains("10.96.0.10 . udp . 53"))
  }

  /// Translation in prerouting, policies in forward, which comes later (nftables: "Netfilter hooks"): a policy has to name
  /// the port behind the API server's Service.
  @Test func policiesSeePacketsAfterServiceTranslation() {
    let rules = rules([], [])
    #expect(rules.hooks["nat-prerouting"]?.hasPrefix("type nat hook prerouting") == true)
    #expect(rules.chains.values.contains { $0.contains("dnat to") && $0.contains(":6443") })
    let policies = render(NetworkPolicySpec(podSelector: web, policyTypes: ["Egress"]))
    #expect(policies.hooks["filter-forward"]?.hasPrefix("type filter hook forward") == true)
  }

  // MARK: Policies

  func pod(_ ip: String, _ labels: [String: String], in namespace: String = "shop") -> PolicyPod {
    PolicyPod(
      namespace: namespace, labels: labels, address: IPv4Address(ip) ?? IPv4Address(value: 0),
      namedPorts: [.init(name: "http", transport: "tcp", port: 8080)])
  }

  func render(_ spec: NetworkPolicySpec) -> Ruleset {
    var ruleset = Ruleset(table: "t")
    let dns = PolicyPods.all([], configuration: configuration)
    PolicyRules(
      configuration: configuration,
      policies: [NetworkPolicy(metadata: ObjectMeta(name: "p", namespace: "shop"), spec: spec)],
      pods: dns + [
        pod("10.244.0.4", ["app": "web"]), pod("10.244.0.5", ["app": "db"]),
        pod("10.244.0.6", ["app": "db"], in: "other"),
      ],
      namespaces: ["shop": ["team": "a"], "other": ["team": "b"], "kube-system": [:]]
    ).render(into: &ruleset)
    return ruleset
  }

  func chain(_ ruleset: Ruleset, _ prefix: String) -> String? {
    ruleset.chains.first { $0.key.hasPrefix("\(prefix)-") && $0.value.contains("drop") }?.value
  }

  let web = LabelSelector(matchLabels: ["app": "web"])
  typealias LabelSelector = KubernetesModels.LabelSelector

  @Test func aSelectedPodIsClosedForTheDirectionAndOthersStayOpen() {
    let ruleset = render(NetworkPolicySpec(podSelector: web, policyTypes: ["Ingress"]))
    #expect(ruleset.maps["ingress-pods"]?.contains("10.244.0.4 : jump ingress-") == true)
    #expect(ruleset.maps["ingress-pods"]?.contains("10.244.0.5") == false)
    #expect(ruleset.maps["egress-pods"]?.contains("10.244.0.4") == false)
    #expect(chain(ruleset, "ingress") == "    counter drop\n")
  }

  @Test func aPodSelectorAloneMeansTheSameNamespace() {
    let db = NetworkPolicyPeer(podSelector: LabelSelector(matchLabels: ["app": "db"]))
    let rule = NetworkPolicyEgressRule(ports: [NetworkPolicyPort(port: .int(5432))], to: [db])
    let text = chain(render(NetworkPolicySpec(egress: [rule], podSelector: web)), "egress")
    #expect(text == "    ip daddr { 10.244.0.5 } tcp dport 5432 return\n    counter drop\n")
  }

  @Test func aNamespaceSelectorAndAPodSelectorMustBothMatch() {
    let peer = NetworkPolicyPeer(
      namespaceSelector: LabelSelector(matchLabels: ["team": "b"]),
      podSelector: LabelSelector(matchLabels: ["app": "db"]))
    let rule = NetworkPolicyIngressRule(from: [peer])
    let text = chain(render(NetworkPolicySpec(ingress: [rule], podSelector: web)), "ingress")
    #expect(text?.contains("ip saddr { 10.244.0.6 } return") == true)
  }

  @Test func theSeedsDnsRuleReachesTheNameServer() {
    let peer = NetworkPolicyPeer(
      namespaceSelector: LabelSelector(), podSelector: LabelSelector(matchLabels: ["k8s-app": "kube-dns"]))
    let rule = NetworkPolicyEgressRule(ports: [NetworkPolicyPort(port: .int(53), protocol: "UDP")], to: [peer])
    let text = chain(render(NetworkPolicySpec(egress: [rule], podSelector: web)), "egress")
    #expect(text?.contains("ip daddr { 10.244.0.2 } udp dport 53 return") == true)
  }

  @Test func blocksRangesAndNamedPortsAreRead() {
    let block = NetworkPolicyPeer(ipBlock: IPBlock(cidr: "10.0.0.0/8", except: ["10.1.0.0/16"]))
    let range = NetworkPolicyEgressRule(ports: [NetworkPolicyPort(endPort: 90, port: .int(80))], to: [block])
    let egress = chain(render(NetworkPolicySpec(egress: [range], podSelector: web)), "egress")
    #expect(egress?.contains("ip daddr 10.0.0.0/8 ip daddr != { 10.1.0.0/16 } tcp dport 80-90 return") == true)
    let named = NetworkPolicyIngressRule(ports: [NetworkPolicyPort(port: .string("http"))])
    let ingress = chain(render(NetworkPolicySpec(ingress: [named], podSelector: web)), "ingress")
    #expect(ingress?.contains("ip daddr . tcp dport { 10.244.0.4 . 8080 } return") == true)
  }

  @Test func anEmptyRuleAllowsEverything() {
    let text = chain(render(NetworkPolicySpec(ingress: [NetworkPolicyIngressRule()], podSelector: web)), "ingress")
    #expect(text == "    return\n    counter drop\n")
  }

  // MARK: DNS

  let a: UInt16 = 1

  func zone() -> DNSZone {
    DNSZone(
      configuration: configuration,
      services: [service("web", ip: "10.96.0.7"), service("db", ip: "None", port: 5432)],
      slices: [slice("db", [("10.244.0.8", nil), ("10.244.0.9", nil)], hostname: "db-0")])
  }

  @Test func servicesHaveTheirAddress() {
    #expect(
      zone().lookup("web.shop.svc.cluster.local", type: a) == .found([.address(IPv4Address("10.96.0.7")!)]))
    #expect(zone().lookup("none.shop.svc.cluster.local", type: a) == .missing)
    #expect(zone().lookup("example.com", type: a) == .foreign)
    // It exists, but has no IPv6 address: not the same as not existing.
    #expect(zone().lookup("web.shop.svc.cluster.local", type: 28) == .found([]))
  }

  @Test func headlessServicesNameTheirPods() {
    guard case .found(let all) = zone().lookup("db.shop.svc.cluster.local", type: a) else {
      Issue.record("db is missing")
      return
    }
    #expect(all.count == 2)
    #expect(zone().lookup("db-0.db.shop.svc.cluster.local", type: a) != .missing)
    #expect(
      zone().lookup("_http._tcp.web.shop.svc.cluster.local", type: 33)
        == .found([.service(port: 80, target: "web.shop.svc.cluster.local")]))
  }

  @Test func anAnswerRepeatsTheQuestion() throws {
    let query: [UInt8] =
      [0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + DNSMessage.encode("Web.shop") + [0, 1, 0, 1]
    let question = try #require(DNSMessage.parse(query))
    #expect(question.name == "web.shop")
    let answer = DNSMessage.response(to: question, .noError, answers: [.address(IPv4Address("1.2.3.4")!)])
    #expect(Array(answer[..<4]) == [0xab, 0xcd, 0x85, 0x80])
    #expect(Array(answer[12..<12 + question.bytes.count]) == question.bytes)
    #expect(answer.suffix(4) == [1, 2, 3, 4])
    #expect(DNSMessage.parse(Array(query[..<15])) == nil)
  }

  @Test func networksContainTheirAddressesOnly() {
    let network = IPv4Network("10.244.3.7/16")
    #expect(network?.description == "10.244.0.0/16")
    #expect(network?.contains(IPv4Address("10.244.255.255")!) == true)
    #expect(network?.contains(IPv4Address("10.245.0.0")!) == false)
    #expect(IPv4Address("10.0.0.256") == nil)
    #expect(IPv4Network("10.0.0.0/33") == nil)
  }
}
