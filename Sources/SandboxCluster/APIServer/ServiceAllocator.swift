import KubernetesModels
import Synchronization

/// Hands out cluster IPs and node ports, each once.
final class ServiceAllocator: Sendable {
  private struct State {
    var addresses: Set<UInt32> = []
    var ports: Set<Int> = []
  }

  static let nodePorts = 30_000...32_767
  private let base: UInt32
  private let size: UInt32
  private let state = Mutex(State())

  /// - Throws: `APIStatusError` when the CIDR is no IPv4 range of a useful size.
  init(cidr: String) throws(APIStatusError) {
    guard let (address, bits) = cut(cidr, "/"), let start = IPv4.parse(address), let length = UInt32(bits),
      (8...28).contains(length)
    else { throw APIStatusError.badRequest("serviceCIDR \"\(cidr)\" must be an IPv4 range between /8 and /28") }
    size = 1 << (32 - length)
    base = start & ~(size - 1)
  }

  /// The `kubernetes` Service's address.
  var first: String { IPv4.text(base + 1) }

  func reserve(_ address: String) {
    guard let number = IPv4.parse(address) else { return }
    state.withLock { _ = $0.addresses.insert(number) }
  }

  /// Fills in `clusterIP(s)` and `nodePort`s. With `keeps` false (dry run) nothing stays taken.
  func allocate(_ service: inout JSONValue, old: JSONValue?, keeps: Bool, _ info: ResourceInfo) throws(APIStatusError) {
    var spec = service["spec"] ?? [:]
    let type = spec["type"]?.stringValue ?? "ClusterIP"
    let name = service.metadataName
    // All or nothing: the allocations count only when every one of them worked.
    try state.withLock { state throws(APIStatusError) in
      var taken = state
      if type != "ExternalName" { try takeAddress(&spec, old: old, name, info, &taken) }
      try takePorts(&spec, old: old, type, name, info, &taken)
      if keeps { state = taken }
    }
    service["spec"] = spec
  }

  func release(_ service: JSONValue) {
    state.withLock { state in
      if let number = IPv4.parse(service.textAt("spec", "clusterIP") ?? "") { state.addresses.remove(number) }
      for port in service.itemsAt("spec", "ports") {
        if let number = port["nodePort"]?.intValue { state.ports.remove(number) }
      }
    }
  }

  /// Frees what an update gave up.
  func releaseDropped(_ old: JSONValue, new: JSONValue) {
    let kept = Set(new.itemsAt("spec", "ports").compactMap { $0["nodePort"]?.intValue })
    state.withLock { state in
      for port in old.itemsAt("spec", "ports") {
        if let number = port["nodePort"]?.intValue, !kept.contains(number) { state.ports.remove(number) }
      }
      if let address = old.textAt("spec", "clusterIP"), address != new.textAt("spec", "clusterIP"),
        let number = IPv4.parse(address)
      {
        state.addresses.remove(number)
      }
    }
  }

  private func takeAddress(
    _ spec: inout JSONValue, old: JSONValue?, _ name: String, _ info: ResourceInfo, _ state: inout State
  ) throws(APIStatusError) {
    let wanted = spec["clusterIP"]?.stringValue ?? ""
    if wanted == "None" {
      spec["clusterIPs"] = ["None"]
      return
    }
    if !wanted.isEmpty {
      defer { spec["clusterIPs"] = [.string(wanted)] }
      if wanted == old?.textAt("spec", "clusterIP") { return }
      guard let number = IPv4.parse(wanted), number > base, number < base + size - 1 else {
        throw refusal(
          name, info, "spec.clusterIPs", wanted,
          "failed to allocate IP \(wanted): the provided IP is not in the valid range")
      }
      guard state.addresses.insert(number).inserted else {
        throw refusal(
          name, info, "spec.clusterIPs", wanted, "failed to allocate IP \(wanted): provided IP is already allocated")
      }
      return
    }
    // The first sixteen are left to Services that ask for an address of their own, such as DNS.
    let low = base + 1 + min(16, size / 4)
    guard let free = (low..<(base + size - 1)).first(where: { !state.addresses.contains($0) }) else {
      throw APIStatusError.internalError("failed to allocate a serviceIP: range is full")
    }
    state.addresses.insert(free)
    spec["clusterIP"] = .string(IPv4.text(free))
    spec["clusterIPs"] = [.string(IPv4.text(free))]
  }

  private func takePorts(
    _ spec: inout JSONValue, old: JSONValue?, _ type: String, _ name: String, _ info: ResourceInfo, _ state: inout State
  ) throws(APIStatusError) {
    var ports = spec["ports"]?.arrayValue ?? []
    guard !ports.isEmpty else { return }
    let isExposed = type == "NodePort" || type == "LoadBalancer"
    let oldPorts = old?.itemsAt("spec", "ports") ?? []
    let held = Set(oldPorts.compactMap { $0["nodePort"]?.intValue })
    for index in ports.indices {
      guard isExposed else {
        ports[index]["nodePort"] = nil
        continue
      }
      if ports[index]["nodePort"]?.intValue ?? 0 == 0 {
        ports[index]["nodePort"] = oldPorts.first { $0["port"] == ports[index]["port"] }?["nodePort"]
      }
      if let wanted = ports[index]["nodePort"]?.intValue, wanted != 0 {
        if held.contains(wanted) { continue }
        let path = "spec.ports[\(index)].nodePort"
        guard Self.nodePorts.contains(wanted) else {
          throw refusal(
            name, info, path, wanted, "provided port is not in the valid range. The range of valid ports is 30000-32767"
          )
        }
        guard state.ports.insert(wanted).inserted else {
          throw refusal(name, info, path, wanted, "provided port is already allocated")
        }
      } else {
        guard let free = Self.nodePorts.first(where: { !state.ports.contains($0) }) else {
          throw APIStatusError.internalError("failed to allocate a nodePort: range is full")
        }
        state.ports.insert(free)
        ports[index]["nodePort"] = .integer(Int64(free))
      }
    }
    spec["ports"] = .array(ports)
  }

  private func refusal(
    _ name: String, _ info: ResourceInfo, _ path: String, _ value: String, _ why: String
  ) -> APIStatusError {
    var found = FieldFindings()
    found.invalid(path, .string(value), why)
    return .invalid(info, name, found.errors)
  }

  private func refusal(_ name: String, _ info: ResourceInfo, _ path: String, _ value: Int, _ why: String)
    -> APIStatusError
  {
    var found = FieldFindings()
    found.invalid(path, .integer(Int64(value)), why)
    return .invalid(info, name, found.errors)
  }
}

/// Dotted IPv4 addresses as numbers.
enum IPv4 {
  static func parse(_ text: String) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var number: UInt32 = 0
    for part in parts {
      guard let byte = UInt8(part), String(byte) == part else { return nil }
      number = number << 8 | UInt32(byte)
    }
    return number
  }

  static func text(_ number: UInt32) -> String {
    [24, 16, 8, 0].map { String(number >> UInt32($0) & 255) }.joined(separator: ".")
  }
}
