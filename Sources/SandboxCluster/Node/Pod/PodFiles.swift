import FoundationEssentials
import KubernetesModels

/// The files that a node keeps for every pod: `/etc/hosts` and `/etc/resolv.conf`.
struct PodFiles {
  var pod: Pod
  var address: IPv4Address
  var configuration: NetworkConfiguration

  func write(to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(hosts.utf8).write(to: URL(filePath: "\(folder)/hosts"))
    try Data(resolvConf.utf8).write(to: URL(filePath: "\(folder)/resolv.conf"))
  }

  /// What `hostname` says in the pod: at most 63 characters.
  static func hostname(_ pod: Pod) -> String {
    String((pod.spec?.hostname ?? pod.metadata.name ?? "pod").prefix(63))
  }

  var hosts: String {
    let host = Self.hostname(pod)
    var names = host
    if let subdomain = pod.spec?.subdomain, !subdomain.isEmpty {
      names = "\(host).\(subdomain).\(pod.metadata.namespace ?? "").svc.\(configuration.clusterDomain)\t\(host)"
    }
    var text = "# Kept by the sandbox's node.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    text += "\(address)\t\(names)\n"
    for alias in pod.spec?.hostAliases ?? [] {
      text += "\(alias.ip)\t\((alias.hostnames ?? []).joined(separator: "\t"))\n"
    }
    return text
  }

  /// Kubernetes: "DNS for Services and Pods".
  var resolvConf: String {
    let domain = configuration.clusterDomain
    var servers = [configuration.dnsServiceAddress.description]
    var searches = ["\(pod.metadata.namespace ?? "").svc.\(domain)", "svc.\(domain)", domain]
    var options = ["ndots:5"]
    switch pod.spec?.dnsPolicy {
    case "None": (servers, searches, options) = ([], [], [])
    case "Default":
      let upstream = configuration.upstreamNameServers ?? DNSServer.machineNameServers()
      (servers, searches, options) = (upstream.map(\.description), [], [])
    default: break
    }
    let extra = pod.spec?.dnsConfig
    servers += extra?.nameservers ?? []
    searches += extra?.searches ?? []
    options += (extra?.options ?? []).compactMap { option in
      option.name.map { name in option.value.map { "\(name):\($0)" } ?? name }
    }
    var text = servers.map { "nameserver \($0)\n" }.joined()
    if !searches.isEmpty { text += "search \(searches.joined(separator: " "))\n" }
    if !options.isEmpty { text += "options \(options.joined(separator: " "))\n" }
    return text
  }
}

/// The variables by which every client library finds the API server.
enum KubernetesVariables {
  static func all(_ configuration: NodeConfiguration) -> [String: String] {
    let host = configuration.network.kubernetesServiceAddress.description
    let port = String(configuration.kubernetesServicePort)
    return [
      "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "KUBERNETES_SERVICE_PORT_HTTPS": port,
      "KUBERNETES_PORT": "tcp://\(host):\(port)", "KUBERNETES_PORT_443_TCP": "tcp://\(host):\(port)",
      "KUBERNETES_PORT_443_TCP_PROTO": "tcp", "KUBERNETES_PORT_443_TCP_PORT": port,
      "KUBERNETES_PORT_443_TCP_ADDR": host,
    ]
  }
}

/// Which ConfigMaps and Secrets the volumes of a pod are made of.
enum PodReferences {
  static func configMaps(_ pod: Pod) -> Set<String> {
    names(pod) { [$0.configMap?.name] + ($0.projected?.sources ?? []).map { $0.configMap?.name } }
  }

  static func secrets(_ pod: Pod) -> Set<String> {
    names(pod) { [$0.secret?.secretName] + ($0.projected?.sources ?? []).map { $0.secret?.name } }
  }

  private static func names(_ pod: Pod, _ pick: (Volume) -> [String?]) -> Set<String> {
    Set((pod.spec?.volumes ?? []).flatMap(pick).compactMap { $0 })
  }
}
