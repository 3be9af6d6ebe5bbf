import FoundationEssentials

/// A moment in whole seconds: meta/v1 `Time`, an RFC 3339 string on the wire.
public struct Timestamp: Sendable, Hashable {
  public var secondsSinceEpoch: Int64

  public init(secondsSinceEpoch: Int64) {
    self.secondsSinceEpoch = secondsSinceEpoch
  }

  /// Parses RFC 3339, as in "2026-01-31T12:00:00Z"; an offset is converted to UTC and a fraction is dropped. Nil for
  /// anything else.
  public init?(_ text: String) {
    guard let (seconds, _) = RFC3339.parse(text) else { return nil }
    secondsSinceEpoch = seconds
  }

  /// The system clock's time.
  public static var now: Timestamp { Timestamp(secondsSinceEpoch: Int64(Date().timeIntervalSince1970.rounded(.down))) }
}

extension Timestamp: Comparable, CustomStringConvertible {
  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.secondsSinceEpoch < right.secondsSinceEpoch }

  /// The time `right` later, in whole seconds.
  public static func + (left: Timestamp, right: Duration) -> Timestamp {
    Timestamp(secondsSinceEpoch: left.secondsSinceEpoch + right.components.seconds)
  }

  /// The time from `right` to `left`.
  public static func - (left: Timestamp, right: Timestamp) -> Duration {
    .seconds(left.secondsSinceEpoch - right.secondsSinceEpoch)
  }

  /// RFC 3339 in UTC.
  public var description: String { RFC3339.print(seconds: secondsSinceEpoch) }
}

extension Timestamp: Codable {
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let value = Timestamp(text) else { throw invalidTime(text, decoder) }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

func invalidTime(_ text: String, _ decoder: any Decoder) -> DecodingError {
  DecodingError.dataCorrupted(
    DecodingError.Context(
      codingPath: decoder.codingPath,
      debugDescription: "\"\(text)\" is no RFC 3339 time; write it as in 2026-01-31T12:00:00Z"))
}
