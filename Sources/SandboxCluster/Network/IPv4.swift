/// An IPv4 address as a number, so that ranges can be counted through.
public struct IPv4Address: Sendable, Hashable, Comparable, CustomStringConvertible {
  public var value: UInt32

  public init(value: UInt32) { self.value = value }

  /// Nil when the text is not four decimal numbers of at most 255.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard part.count <= 3, part.allSatisfy(\.isNumber), let byte = UInt8(part) else { return nil }
      value = value << 8 | UInt32(byte)
    }
    self.value = value
  }

  public var description: String {
    [24, 16, 8, 0].map { String(value >> UInt32($0) & 255) }.joined(separator: ".")
  }

  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }

  /// The address this many places further on.
  public func advanced(by count: UInt32) -> IPv4Address { IPv4Address(value: value &+ count) }
}

/// A network in CIDR notation such as `10.244.0.0/16`; bits after the prefix are zero.
public struct IPv4Network: Sendable, Hashable, CustomStringConvertible {
  public let first: IPv4Address
  public let prefixLength: Int

  /// Takes the network that the address is in.
  /// - Precondition: the length is from 0 to 32.
  public init(first: IPv4Address, prefixLength: Int) {
    self.prefixLength = prefixLength
    self.first = IPv4Address(value: first.value & Self.mask(prefixLength))
  }

  /// Nil when the text is not `a.b.c.d/n` with n from 0 to 32.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPv4Address(parts[0]), let length = Int(parts[1]), 0...32 ~= length else {
      return nil
    }
    prefixLength = length
    first = IPv4Address(value: address.value & Self.mask(length))
  }

  /// The number of addresses, from 1 to 2³².
  public var count: UInt64 { 1 << UInt64(32 - prefixLength) }

  public func contains(_ address: IPv4Address) -> Bool { address.value & Self.mask(prefixLength) == first.value }

  public var description: String { "\(first)/\(prefixLength)" }

  private static func mask(_ length: Int) -> UInt32 { length == 0 ? 0 : ~0 << UInt32(32 - length) }
}
