import KubernetesModels

/// Kubernetes' own libraries: quantities, URLs, IP addresses and networks; and optional values.
enum CELLibraries {
  static let names: Set<String> = [
    "quantity", "isQuantity", "url", "isURL", "ip", "isIP", "cidr", "isCIDR", "ip.isCanonical", "optional.of",
    "optional.none", "optional.ofNonZeroValue", "hasValue", "value", "orValue", "or", "sign", "isInteger", "asInteger",
    "asApproximateFloat", "add", "sub", "compareTo", "isGreaterThan", "isLessThan", "getScheme", "getHost",
    "getHostname",
    "getPort", "getEscapedPath", "getQuery", "family", "isLoopback", "isUnspecified", "isLinkLocalUnicast",
    "isLinkLocalMulticast", "isGlobalUnicast", "containsIP", "containsCIDR", "prefixLength", "masked",
    "math.greatest", "math.least", "math.abs", "math.ceil", "math.floor", "math.round",
  ]

  static func global(_ name: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
    if name == "optional.none", arguments.isEmpty { return .optional(nil) }
    if name.hasPrefix("math.") { return try math(String(name.dropFirst(5)), arguments) }
    guard arguments.count == 1 else { return nil }
    switch (name, arguments[0]) {
    case ("optional.of", let value): return .optional(value)
    case ("optional.ofNonZeroValue", let value): return .optional(isZero(value) ? nil : value)
    case ("quantity", .string(let text)):
      guard let quantity = Quantity(text) else {
        throw CELError("quantities must match the regular expression of Quantity: \(text)")
      }
      return .quantity(quantity)
    case ("isQuantity", .string(let text)): return .bool(Quantity(text) != nil)
    case ("url", .string(let text)):
      guard let url = URLValue(text) else { throw CELError("URL parse error during conversion from string: \(text)") }
      return .url(url)
    case ("isURL", .string(let text)): return .bool(URLValue(text) != nil)
    case ("ip", .string(let text)):
      guard let address = IPAddressValue(text) else { throw CELError("IP Address \"\(text)\" parse error") }
      return .ip(address)
    case ("isIP", .string(let text)): return .bool(IPAddressValue(text) != nil)
    case ("ip.isCanonical", .string(let text)):
      guard let address = IPAddressValue(text) else { throw CELError("IP Address \"\(text)\" parse error") }
      return .bool(address.text == text)
    case ("cidr", .string(let text)):
      guard let network = CIDRValue(text) else { throw CELError("network address parse error: \(text)") }
      return .cidr(network)
    case ("isCIDR", .string(let text)): return .bool(CIDRValue(text) != nil)
    default: return nil
    }
  }

  static func member(_ name: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
    switch arguments.first {
    case .quantity(let quantity)?: return try quantityMember(name, quantity, arguments.count > 1 ? arguments[1] : nil)
    case .url(let url)? where arguments.count == 1: return urlMember(name, url)
    case .ip(let address)? where arguments.count == 1: return addressMember(name, address)
    case .cidr(let network)?: return networkMember(name, network, arguments.count > 1 ? arguments[1] : nil)
    case .optional(let value)? where arguments.count == 1:
      switch name {
      case "hasValue": return .bool(value != nil)
      case "value":
        guard let value else { throw CELError("optional.none() dereference") }
        return value
      default: return nil
      }
    default: return nil
    }
  }

  private static func quantityMember(
    _ name: String, _ quantity: Quantity, _ argument: CELValue?
  ) throws(CELError) -> CELValue? {
    switch (name, argument) {
    case ("sign", nil): return .int(quantity == .zero ? 0 : quantity < .zero ? -1 : 1)
    case ("isInteger", nil): return .bool(Quantity(quantity.value) == quantity)
    case ("asInteger", nil):
      guard Quantity(quantity.value) == quantity else { throw CELError("cannot convert value to integer") }
      return .int(Int64(quantity.value))
    case ("asApproximateFloat", nil): return .double(quantity.doubleValue)
    case ("add", .quantity(let other)?): return .quantity(quantity + other)
    case ("add", .int(let other)?): return .quantity(quantity + Quantity(Int(other)))
    case ("sub", .quantity(let other)?): return .quantity(quantity - other)
    case ("sub", .int(let other)?): return .quantity(quantity - Quantity(Int(other)))
    case ("compareTo", .quantity(let other)?): return .int(quantity < other ? -1 : quantity == other ? 0 : 1)
    case ("isGreaterThan", .quantity(let other)?): return .bool(other < quantity)
    case ("isLessThan", .quantity(let other)?): return .bool(quantity < other)
    default: return nil
    }
  }

  private static func urlMember(_ name: String, _ url: URLValue) -> CELValue? {
    switch name {
    case "getScheme": return .string(url.scheme)
    case "getHost": return .string(url.host)
    case "getHostname": return .string(url.hostname)
    case "getPort": return .string(url.port)
    case "getEscapedPath": return .string(url.path)
    case "getQuery":
      var items: [CELKey: [CELValue]] = [:]
      for item in url.queryItems { items[.string(item.name), default: []].append(.string(item.value)) }
      return .map(items.mapValues(CELValue.list))
    default: return nil
    }
  }

  private static func addressMember(_ name: String, _ address: IPAddressValue) -> CELValue? {
    switch name {
    case "family": .int(address.isIPv4 ? 4 : 6)
    case "isUnspecified": .bool(address.isUnspecified)
    case "isLoopback": .bool(address.isLoopback)
    case "isLinkLocalMulticast": .bool(address.isLinkLocalMulticast)
    case "isLinkLocalUnicast": .bool(address.isLinkLocalUnicast)
    case "isGlobalUnicast": .bool(address.isGlobalUnicast)
    default: nil
    }
  }

  private static func networkMember(_ name: String, _ network: CIDRValue, _ argument: CELValue?) -> CELValue? {
    switch (name, argument) {
    case ("ip", nil): return .ip(network.address)
    case ("prefixLength", nil): return .int(Int64(network.prefixLength))
    case ("masked", nil): return CIDRValue(network.maskedText).map(CELValue.cidr)
    case ("containsIP", .ip(let address)?): return .bool(network.contains(address))
    case ("containsIP", .string(let text)?): return IPAddressValue(text).map { .bool(network.contains($0)) }
    case ("containsCIDR", .cidr(let other)?): return .bool(network.contains(other))
    case ("containsCIDR", .string(let text)?): return CIDRValue(text).map { .bool(network.contains($0)) }
    default: return nil
    }
  }

  private static func isZero(_ value: CELValue) -> Bool {
    switch value {
    case .null: true
    case .bool(let flag): !flag
    case .int(let number): number == 0
    case .uint(let number): number == 0
    case .double(let number): number == 0
    case .string(let text): text.isEmpty
    case .bytes(let bytes): bytes.isEmpty
    case .list(let elements): elements.isEmpty
    case .map(let entries): entries.isEmpty
    case .optional(let inner): inner == nil
    default: false
    }
  }

  private static func math(_ name: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
    var values = arguments
    if values.count == 1, case .list(let elements) = values[0] { values = elements }
    switch (name, values.first) {
    case ("greatest", _?): return try CELLists.member("max", [.list(values)])
    case ("least", _?): return try CELLists.member("min", [.list(values)])
    case ("abs", .int(let number)?):
      guard number != .min else { throw CELError("integer overflow") }
      return .int(abs(number))
    case ("abs", .double(let number)?): return .double(abs(number))
    case ("ceil", .double(let number)?): return .double(number.rounded(.up))
    case ("floor", .double(let number)?): return .double(number.rounded(.down))
    case ("round", .double(let number)?): return .double(number.rounded())
    default: return nil
    }
  }
}
