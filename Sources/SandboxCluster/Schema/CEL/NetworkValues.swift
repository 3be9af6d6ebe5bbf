/// An IPv4 or IPv6 address as Kubernetes accepts it: no zones, no leading zeros, no IPv4-mapped form.
struct IPAddressValue: Sendable, Hashable {
  /// Four or sixteen.
  let bytes: [UInt8]

  var isIPv4: Bool { bytes.count == 4 }

  fileprivate init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  init?(_ text: String) {
    if text.contains(":") {
      guard let bytes = Self.ipv6(text) else { return nil }
      if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 255, bytes[11] == 255 { return nil }
      self.bytes = bytes
    } else {
      guard let bytes = Self.ipv4(text) else { return nil }
      self.bytes = bytes
    }
  }

  private static func ipv4(_ text: some StringProtocol) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    let bytes = parts.compactMap { part -> UInt8? in
      guard part.utf8.allSatisfy({ (48...57).contains($0) }), part.count == 1 || part.first != "0" else { return nil }
      return UInt8(part)
    }
    return bytes.count == 4 ? bytes : nil
  }

  private static func groups(_ text: Substring) -> [UInt8]? {
    if text.isEmpty { return [] }
    var bytes: [UInt8] = []
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if index == parts.count - 1, part.contains(".") {
        guard let tail = ipv4(part) else { return nil }
        bytes += tail
      } else {
        guard (1...4).contains(part.count), let group = UInt16(part, radix: 16), part.first != "+" else { return nil }
        bytes += [UInt8(group >> 8), UInt8(group & 255)]
      }
    }
    return bytes
  }

  private static func ipv6(_ text: String) -> [UInt8]? {
    guard let gap = text.firstRange(of: "::") else {
      guard let bytes = groups(text[...]), bytes.count == 16 else { return nil }
      return bytes
    }
    guard let head = groups(text[..<gap.lowerBound]), let tail = groups(text[gap.upperBound...]),
      head.count + tail.count <= 14
    else { return nil }
    return head + Array(repeating: 0, count: 16 - head.count - tail.count) + tail
  }

  /// The canonical text (RFC 5952).
  var text: String {
    if isIPv4 { return bytes.map(String.init).joined(separator: ".") }
    let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
    var best = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > best.count, end - start > 1 { best = start..<end }
      start = max(end, start + 1)
    }
    func join(_ slice: ArraySlice<UInt16>) -> String {
      slice.map { String($0, radix: 16) }.joined(separator: ":")
    }
    return best.isEmpty ? join(groups[...]) : join(groups[..<best.lowerBound]) + "::" + join(groups[best.upperBound...])
  }

  var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
  var isLoopback: Bool { isIPv4 ? bytes[0] == 127 : bytes[..<15].allSatisfy { $0 == 0 } && bytes[15] == 1 }
  var isLinkLocalMulticast: Bool {
    isIPv4 ? bytes[..<3] == [224, 0, 0] : bytes[0] == 255 && bytes[1] & 15 == 2
  }
  var isLinkLocalUnicast: Bool {
    isIPv4 ? bytes[..<2] == [169, 254] : bytes[0] == 254 && bytes[1] & 0xC0 == 0x80
  }
  var isGlobalUnicast: Bool {
    let isMulticast = isIPv4 ? (224...239).contains(bytes[0]) : bytes[0] == 255
    return !isMulticast && !isUnspecified && !isLoopback && !isLinkLocalUnicast && !bytes.allSatisfy { $0 == 255 }
  }
}

/// A network in CIDR notation.
struct CIDRValue: Sendable, Hashable {
  let address: IPAddressValue
  let prefixLength: Int

  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPAddressValue(String(parts[0])), let length = Int(parts[1]),
      String(length) == parts[1], (0...address.bytes.count * 8).contains(length)
    else { return nil }
    self.address = address
    prefixLength = length
  }

  func contains(_ other: IPAddressValue) -> Bool {
    guard other.bytes.count == address.bytes.count else { return false }
    return Self.masked(other.bytes, prefixLength) == Self.masked(address.bytes, prefixLength)
  }

  func contains(_ other: CIDRValue) -> Bool { other.prefixLength >= prefixLength && contains(other.address) }

  /// The network's own address, host bits zero.
  var maskedText: String {
    IPAddressValue(bytes: Self.masked(address.bytes, prefixLength)).text + "/\(prefixLength)"
  }

  private static func masked(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
    bytes.enumerated().map { index, byte in
      let kept = min(8, max(0, length - index * 8))
      return kept == 0 ? 0 : byte & (0xFF << UInt8(8 - kept))
    }
  }
}

/// An absolute URL, or an absolute path, as Go's `url.ParseRequestURI` takes it.
struct URLValue: Sendable, Hashable {
  let text: String
  let scheme: String
  let host: String
  let path: String
  let query: String

  init?(_ text: String) {
    guard text.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value != 127 }), !text.isEmpty else { return nil }
    self.text = text
    var rest = Substring(text)
    if let colon = rest.firstIndex(of: ":"), !text.hasPrefix("/") {
      let name = rest[..<colon]
      guard let first = name.first, first.isASCII, first.isLetter,
        name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
      else { return nil }
      scheme = name.lowercased()
      rest = rest[rest.index(after: colon)...]
    } else {
      guard text.hasPrefix("/") else { return nil }
      scheme = ""
    }
    if let mark = rest.firstIndex(of: "?") {
      query = String(rest[rest.index(after: mark)...])
      rest = rest[..<mark]
    } else {
      query = ""
    }
    guard rest.hasPrefix("//"), !scheme.isEmpty else {
      host = ""
      path = String(rest)
      return
    }
    rest = rest.dropFirst(2)
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    let authority = rest[..<slash]
    host = authority.lastIndex(of: "@").map { String(authority[authority.index(after: $0)...]) } ?? String(authority)
    path = String(rest[slash...])
    if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
      guard host[host.index(after: colon)...].allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    }
  }

  /// Without the port, and without the brackets of an IPv6 address.
  var hostname: String {
    if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
      return String(host[host.index(after: host.startIndex)..<end])
    }
    return host.lastIndex(of: ":").map { String(host[..<$0]) } ?? host
  }

  var port: String {
    guard let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") else { return "" }
    return String(host[host.index(after: colon)...])
  }

  var queryItems: [(name: String, value: String)] {
    query.split(separator: "&").map { item in
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
    }
  }
}
