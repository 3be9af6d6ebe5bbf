import KubernetesModels

/// The names of a cluster (Kubernetes: "DNS for Services and Pods"): Services, headless Services and their pods.
struct DNSZone: Sendable, Equatable {
  private(set) var domain: String
  private var addresses: [String: [IPv4Address]] = [:]
  private var services: [String: [DNSMessage.Answer]] = [:]
  /// Every name that has names below it: it exists, without records of its own.
  private var parents: Set<String> = []

  init(configuration: NetworkConfiguration, services: [Service] = [], slices: [EndpointSlice] = []) {
    domain = configuration.clusterDomain
    insert("kubernetes.default.svc.\(domain)", [configuration.kubernetesServiceAddress])
    insert("kube-dns.kube-system.svc.\(domain)", [configuration.dnsServiceAddress])
    let slicesOfService = Dictionary(grouping: slices) { slice in
      let service = slice.metadata.labels?["kubernetes.io/service-name"] ?? ""
      return "\(slice.metadata.namespace ?? "")/\(service)"
    }
    for service in services {
      guard let name = service.metadata.name, let namespace = service.metadata.namespace else { continue }
      let host = "\(name).\(namespace).svc.\(domain)"
      if let address = service.spec?.clusterIP.flatMap({ IPv4Address($0) }) {
        insert(host, [address])
        for port in service.spec?.ports ?? [] {
          insert(port.name, port.protocol, of: host, [.service(port: Int(port.port), target: host)])
        }
      } else if service.spec?.clusterIP == "None" {
        insertHeadless(host, slicesOfService["\(namespace)/\(name)"] ?? [])
      }
    }
  }

  private mutating func insertHeadless(_ host: String, _ slices: [EndpointSlice]) {
    var all: Set<IPv4Address> = []
    for slice in slices {
      for endpoint in slice.endpoints ?? [] where endpoint.conditions?.ready ?? true {
        let ready = endpoint.addresses.compactMap { IPv4Address($0) }
        all.formUnion(ready)
        // A pod without hostname is named after its address, as CoreDNS does.
        guard let first = ready.first else { continue }
        let own = "\(endpoint.hostname ?? first.description.replacing(".", with: "-")).\(host)"
        insert(own, ready)
        for port in slice.ports ?? [] {
          guard let number = port.port else { continue }
          insert(port.name, port.protocol, of: host, [.service(port: Int(number), target: own)])
        }
      }
    }
    insert(host, Array(all))
  }

  private mutating func insert(_ name: String, _ found: [IPv4Address]) {
    let key = name.lowercased()
    addresses[key] = Set((addresses[key] ?? []) + found).sorted()
    insertParents(of: key)
  }

  private mutating func insert(
    _ port: String?, _ transport: String?, of host: String, _ answers: [DNSMessage.Answer]
  ) {
    guard let port, !port.isEmpty else { return }
    let key = "_\(port)._\(transport ?? "TCP").\(host)".lowercased()
    services[key, default: []] += answers
    insertParents(of: key)
  }

  private mutating func insertParents(of name: String) {
    var labels = name.split(separator: ".")[...]
    while labels.count > 2 {
      labels = labels.dropFirst()
      parents.insert(labels.joined(separator: "."))
    }
  }

  enum Lookup: Equatable {
    /// The name exists; there may be no record of the type asked for.
    case found([DNSMessage.Answer])
    case missing
    /// The name is not of this cluster: ask the name servers outside.
    case foreign
  }

  /// - Parameter rotation: shifts the order, so that clients which take the first address spread over all.
  func lookup(_ name: String, type: UInt16, rotation: Int = 0) -> Lookup {
    guard name == domain || name.hasSuffix(".\(domain)") else { return .foreign }
    let known = addresses[name] != nil || services[name] != nil || parents.contains(name)
    guard known else { return .missing }
    switch DNSMessage.RecordType(rawValue: type) {
    case .a, .any:
      let found = addresses[name] ?? []
      // An answer of 24 addresses fits into 512 bytes.
      let shift = found.isEmpty ? 0 : rotation % found.count
      let rotated = Array(found[shift...] + found[..<shift])
      return .found(rotated.prefix(24).map { .address($0) })
    case .srv: return .found(Array((services[name] ?? []).prefix(5)))
    case .aaaa, nil: return .found([])
    }
  }
}
