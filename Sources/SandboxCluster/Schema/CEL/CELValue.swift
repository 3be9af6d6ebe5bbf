import KubernetesModels

/// What an expression works with.
indirect enum CELValue: Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case double(Double)
  case string(String)
  case bytes([UInt8])
  case list([CELValue])
  case map([CELKey: CELValue])
  case timestamp(CELTimestamp)
  case duration(CELDuration)
  case type(String)
  case optional(CELValue?)
  case quantity(Quantity)
  case url(URLValue)
  case ip(IPAddressValue)
  case cidr(CIDRValue)

  /// The name that `type()` gives and messages show.
  var typeName: String {
    switch self {
    case .null: "null_type"
    case .bool: "bool"
    case .int: "int"
    case .uint: "uint"
    case .double: "double"
    case .string: "string"
    case .bytes: "bytes"
    case .list: "list"
    case .map: "map"
    case .timestamp: "google.protobuf.Timestamp"
    case .duration: "google.protobuf.Duration"
    case .type: "type"
    case .optional: "optional_type"
    case .quantity: "kubernetes.Quantity"
    case .url: "kubernetes.URL"
    case .ip: "net.IP"
    case .cidr: "net.CIDR"
    }
  }

  /// Equality of the language: numbers by value whatever their type, everything else by type and content.
  func isEqual(to other: CELValue) -> Bool {
    switch (self, other) {
    case (.null, .null): return true
    case (.bool(let a), .bool(let b)): return a == b
    case (.int, _), (.uint, _), (.double, _): return compareNumber(with: other) == 0
    case (.string(let a), .string(let b)): return a == b
    case (.bytes(let a), .bytes(let b)): return a == b
    case (.list(let a), .list(let b)): return a.count == b.count && zip(a, b).allSatisfy { $0.isEqual(to: $1) }
    case (.map(let a), .map(let b)):
      return a.count == b.count && a.allSatisfy { key, value in b[key].map(value.isEqual(to:)) ?? false }
    case (.timestamp(let a), .timestamp(let b)): return a == b
    case (.duration(let a), .duration(let b)): return a == b
    case (.type(let a), .type(let b)): return a == b
    case (.optional(let a), .optional(let b)):
      guard let a, let b else { return a == nil && b == nil }
      return a.isEqual(to: b)
    case (.quantity(let a), .quantity(let b)): return a == b
    case (.url(let a), .url(let b)): return a.text == b.text
    case (.ip(let a), .ip(let b)): return a == b
    case (.cidr(let a), .cidr(let b)): return a == b
    default: return false
    }
  }

  /// -1, 0 or 1; nil when one is no number or not a number.
  private func compareNumber(with other: CELValue) -> Int? {
    func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a == b ? 0 : 1 }
    switch (self, other) {
    case (.int(let a), .int(let b)): return order(a, b)
    case (.uint(let a), .uint(let b)): return order(a, b)
    case (.double(let a), .double(let b)): return a.isNaN || b.isNaN ? nil : order(a, b)
    case (.int(let a), .uint(let b)): return a < 0 ? -1 : order(UInt64(a), b)
    case (.uint(let a), .int(let b)): return b < 0 ? 1 : order(a, UInt64(b))
    case (.int(let a), .double(let b)): return b.isNaN ? nil : order(Double(a), b)
    case (.double(let a), .int(let b)): return a.isNaN ? nil : order(a, Double(b))
    case (.uint(let a), .double(let b)): return b.isNaN ? nil : order(Double(a), b)
    case (.double(let a), .uint(let b)): return a.isNaN ? nil : order(a, Double(b))
    default: return nil
    }
  }

  /// -1, 0 or 1 for values that have an order; nil for others.
  func compare(with other: CELValue) -> Int? {
    func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a == b ? 0 : 1 }
    switch (self, other) {
    case (.bool(let a), .bool(let b)): return order(a ? 1 : 0, b ? 1 : 0)
    case (.string(let a), .string(let b)):
      return a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars) ? -1 : a == b ? 0 : 1
    case (.bytes(let a), .bytes(let b)): return a.lexicographicallyPrecedes(b) ? -1 : a == b ? 0 : 1
    case (.timestamp(let a), .timestamp(let b)): return order(a, b)
    case (.duration(let a), .duration(let b)): return order(a, b)
    default: return compareNumber(with: other)
    }
  }
}

/// What may be a key of a map; a number is one key whatever its type.
enum CELKey: Sendable, Hashable, Comparable {
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case string(String)

  init?(_ value: CELValue) {
    switch value {
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .uint(let value): self = Int64(exactly: value).map(CELKey.int) ?? .uint(value)
    case .double(let value):
      guard let integer = Int64(exactly: value) else { return nil }
      self = .int(integer)
    case .string(let value): self = .string(value)
    default: return nil
    }
  }

  var value: CELValue {
    switch self {
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .uint(let value): .uint(value)
    case .string(let value): .string(value)
    }
  }

  private var rank: Int {
    switch self {
    case .bool: 0
    case .int: 1
    case .uint: 2
    case .string: 3
    }
  }

  static func < (left: CELKey, right: CELKey) -> Bool {
    switch (left, right) {
    case (.bool(let a), .bool(let b)): !a && b
    case (.int(let a), .int(let b)): a < b
    case (.uint(let a), .uint(let b)): a < b
    case (.string(let a), .string(let b)): a < b
    default: left.rank < right.rank
    }
  }
}
