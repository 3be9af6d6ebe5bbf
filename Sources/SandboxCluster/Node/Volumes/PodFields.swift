import KubernetesModels

/// What the downward API tells a container about its pod (Kubernetes: "Downward API").
struct PodFields {
  var pod: Pod
  var address: IPv4Address?
  var hostAddress: String
  /// The whole machine, which stands in for a limit that is not set.
  var machine: MachineCapacity

  /// - Throws: ``VolumeError`` for a field that the downward API does not have.
  func value(_ path: String) throws -> String {
    let metadata = pod.metadata
    switch path {
    case "metadata.name": return metadata.name ?? ""
    case "metadata.namespace": return metadata.namespace ?? ""
    case "metadata.uid": return metadata.uid ?? ""
    case "metadata.labels": return Self.lines(metadata.labels ?? [:])
    case "metadata.annotations": return Self.lines(metadata.annotations ?? [:])
    case "spec.nodeName": return pod.spec?.nodeName ?? ""
    case "spec.serviceAccountName": return pod.spec?.serviceAccountName ?? "default"
    case "status.podIP", "status.podIPs": return address?.description ?? ""
    case "status.hostIP", "status.hostIPs": return hostAddress
    default:
      if let key = Self.key(path, "metadata.labels") { return metadata.labels?[key] ?? "" }
      if let key = Self.key(path, "metadata.annotations") { return metadata.annotations?[key] ?? "" }
      throw VolumeError("the field \(path) is not one that the downward API offers")
    }
  }

  /// - Parameter container: the one that asks, where the selector names none.
  /// - Throws: ``VolumeError`` for an unknown container or resource.
  func value(_ selector: ResourceFieldSelector, container: String?) throws -> String {
    let name = selector.containerName ?? container ?? ""
    guard let container = pod.allContainers.first(where: { $0.name == name }) else {
      throw VolumeError("the pod has no container named \(name)")
    }
    let parts = selector.resource.split(separator: ".", maxSplits: 1)
    guard parts.count == 2, ["limits", "requests"].contains(parts[0]) else {
      throw VolumeError("\(selector.resource) is neither limits.<name> nor requests.<name>")
    }
    let resource = String(parts[1])
    let limit = container.resources?.limits?[resource]
    let request = container.resources?.requests?[resource] ?? limit
    let quantity = parts[0] == "limits" ? limit ?? machine.quantity(resource) : request ?? .zero
    let divisor = selector.divisor.flatMap { $0.isZero ? nil : $0 } ?? Quantity(1)
    // Whole divisors, rounded up, in thousandths so that 500m / 1m is 500.
    let milli = Double(quantity.milliValue) / Double(divisor.milliValue)
    return String(Int(milli.rounded(.up)))
  }

  /// `key="value"` lines with the value as a Go string literal.
  private static func lines(_ map: [String: String]) -> String {
    map.sorted { $0.key < $1.key }.map { key, value in
      let quoted = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
      return "\(key)=\"\(quoted)\""
    }.joined(separator: "\n")
  }

  /// The key in `metadata.labels['key']`.
  private static func key(_ path: String, _ field: String) -> String? {
    guard path.hasPrefix("\(field)['"), path.hasSuffix("']") else { return nil }
    return String(path.dropFirst(field.count + 2).dropLast(2))
  }
}

/// What the machine has in all.
struct MachineCapacity: Sendable, Equatable {
  var cpus: Int
  var memoryBytes: Int
  var diskBytes: Int

  func quantity(_ resource: String) -> Quantity {
    switch resource {
    case "cpu": Quantity(cpus)
    case "memory": Quantity(memoryBytes, format: .binary)
    case "ephemeral-storage": Quantity(diskBytes, format: .binary)
    default: .zero
    }
  }
}
