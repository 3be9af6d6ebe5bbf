import FoundationEssentials

/// A moment in microseconds: meta/v1 `MicroTime`, an RFC 3339 string with six digits of a fraction. Leases and events
/// use it.
public struct MicroTime: Sendable, Hashable {
  public var microsecondsSinceEpoch: Int64

  public init(microsecondsSinceEpoch: Int64) {
    self.microsecondsSinceEpoch = microsecondsSinceEpoch
  }

  /// Parses RFC 3339 with or without a fraction; digits past the sixth are dropped. Nil for anything else.
  public init?(_ text: String) {
    guard let (seconds, nanoseconds) = RFC3339.parse(text) else { return nil }
    microsecondsSinceEpoch = seconds * 1_000_000 + nanoseconds / 1_000
  }

  /// The system clock's time.
  public static var now: MicroTime {
    MicroTime(microsecondsSinceEpoch: Int64((Date().timeIntervalSince1970 * 1_000_000).rounded(.down)))
  }

  /// The same moment in whole seconds, rounded down.
  public var timestamp: Timestamp {
    Timestamp(secondsSinceEpoch: RFC3339.floorDivide(microsecondsSinceEpoch, 1_000_000))
  }
}

extension MicroTime: Comparable, CustomStringConvertible {
  public static func < (left: MicroTime, right: MicroTime) -> Bool {
    left.microsecondsSinceEpoch < right.microsecondsSinceEpoch
  }

  /// The time `right` later, in whole microseconds.
  public static func + (left: MicroTime, right: Duration) -> MicroTime {
    let (seconds, attoseconds) = right.components
    return MicroTime(
      microsecondsSinceEpoch: left.microsecondsSinceEpoch + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
  }

  /// The time from `right` to `left`.
  public static func - (left: MicroTime, right: MicroTime) -> Duration {
    .microseconds(left.microsecondsSinceEpoch - right.microsecondsSinceEpoch)
  }

  /// RFC 3339 in UTC with six digits of a fraction.
  public var description: String {
    let seconds = RFC3339.floorDivide(microsecondsSinceEpoch, 1_000_000)
    return RFC3339.print(seconds: seconds, microseconds: microsecondsSinceEpoch - seconds * 1_000_000)
  }
}

extension MicroTime: Codable {
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let value = MicroTime(text) else { throw invalidTime(text, decoder) }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
