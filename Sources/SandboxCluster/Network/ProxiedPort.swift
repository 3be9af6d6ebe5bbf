import KubernetesModels

/// One address and port that a Service's traffic may go to.
struct ServiceEndpoint: Hashable, Sendable, Comparable {
  var address: IPv4Address
  var port: Int

  static func < (left: Self, right: Self) -> Bool { (left.address, left.port) < (right.address, right.port) }
}

/// One port of a Service with its endpoints: what kube-proxy calls a service port.
struct ProxiedPort: Hashable, Sendable {
  enum Transport: String, Sendable { case tcp, udp, sctp }

  /// `<namespace>/<service>/<port name>`, for names of chains.
  var name: String
  var clusterIP: IPv4Address?
  var transport: Transport
  var port: Int
  var nodePort: Int?
  /// Seconds that a client keeps its endpoint (`sessionAffinity: ClientIP`), nil for none.
  var affinitySeconds: Int?
  var endpoints: [ServiceEndpoint]

  /// All service ports of the Services that have an own address, in a stable order.
  static func all(services: [Service], slices: [EndpointSlice]) -> [ProxiedPort] {
    let slicesOfService = Dictionary(grouping: slices) { slice in
      let service = slice.metadata.labels?["kubernetes.io/service-name"] ?? ""
      return "\(slice.metadata.namespace ?? "")/\(service)"
    }
    return services.flatMap { service -> [ProxiedPort] in
      guard let spec = service.spec, spec.type != "ExternalName" else { return [] }
      let key = "\(service.metadata.namespace ?? "")/\(service.metadata.name ?? "")"
      let clusterIP = spec.clusterIP.flatMap { IPv4Address($0) }
      return (spec.ports ?? []).compactMap { port in
        guard clusterIP != nil || port.nodePort != nil else { return nil }
        guard let transport = Transport(rawValue: (port.protocol ?? "TCP").lowercased()) else { return nil }
        return ProxiedPort(
          name: "\(key)/\(port.name ?? "")", clusterIP: clusterIP, transport: transport, port: Int(port.port),
          nodePort: port.nodePort.flatMap { $0 == 0 ? nil : Int($0) },
          affinitySeconds: spec.sessionAffinity == "ClientIP"
            ? Int(spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800) : nil,
          endpoints: endpoints(of: port.name ?? "", transport, in: slicesOfService[key] ?? []))
      }
    }.sorted { $0.name < $1.name }
  }

  /// The ready endpoints; where there are none, those that still serve while they end (KEP-1669).
  private static func endpoints(
    of portName: String, _ transport: Transport, in slices: [EndpointSlice]
  ) -> [ServiceEndpoint] {
    var ready: Set<ServiceEndpoint> = []
    var ending: Set<ServiceEndpoint> = []
    for slice in slices {
      let port = (slice.ports ?? []).first { port in
        (port.name ?? "") == portName && (port.protocol ?? "TCP").lowercased() == transport.rawValue
      }
      guard let number = port?.port else { continue }
      for endpoint in slice.endpoints ?? [] {
        let addresses = endpoint.addresses.compactMap { IPv4Address($0) }
          .map { ServiceEndpoint(address: $0, port: Int(number)) }
        if endpoint.conditions?.ready ?? true {
          ready.formUnion(addresses)
        } else if endpoint.conditions?.serving == true, endpoint.conditions?.terminating == true {
          ending.formUnion(addresses)
        }
      }
    }
    return (ready.isEmpty ? ending : ready).sorted()
  }
}
