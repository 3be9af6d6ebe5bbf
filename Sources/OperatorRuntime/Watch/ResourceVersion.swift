/// A resource version that can be compared: those of one type are ordered decimal numbers (KEP-5504).
///
/// Nil for texts of other forms, which some aggregated API servers give; nothing is concluded from their order.
struct ResourceVersion: Comparable, Hashable, Sendable {
  let number: UInt64

  init?(_ text: String?) {
    guard let text, let number = UInt64(text) else { return nil }
    self.number = number
  }

  static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}
