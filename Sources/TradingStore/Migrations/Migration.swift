/// One step of the schema, forwards and back.
public struct Migration: Sendable, Hashable {
  /// What programs of the release before think of it (the expand and contract pattern for releases without a pause).
  public enum Phase: String, Sendable, Hashable, CaseIterable {
    /// Only adds: the release before works with it, so it may run while that one is still there or may come back.
    case expand
    /// Takes away what the release before needs: to be run once that one cannot come back.
    case contract
  }

  /// Counts from 1 without gaps.
  public let number: Int
  public let name: String
  public let phase: Phase
  /// SQL that makes the step; several statements, run in one transaction.
  public let up: String
  /// SQL that undoes it.
  public let down: String

  public init(number: Int, name: String, phase: Phase = .expand, up: String, down: String) {
    self.number = number
    self.name = name
    self.phase = phase
    self.up = up
    self.down = down
  }

  /// A fingerprint of the SQL (64-bit FNV-1a, in hex): tells an edited migration from the one that was applied.
  /// It guards against mistakes, not against attackers.
  public var checksum: String {
    let hash = (up + "\u{0}" + down).utf8.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
