import KubernetesModels

/// Label selectors (Kubernetes: "Labels and Selectors").
enum LabelMatch {
  /// A nil selector matches everything here, as in a NetworkPolicy peer; so does an empty one.
  static func matches(_ selector: KubernetesModels.LabelSelector?, _ labels: [String: String]) -> Bool {
    selector?.selects(labels) ?? true
  }
}

/// A hash that is the same in every process and run, for names of things on the machine.
enum StableHash {
  /// 64-bit FNV-1a.
  static func value(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { hash, byte in (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  /// Eight hexadecimal digits.
  static func hex(_ text: String) -> String {
    let value = value(text)
    let digits = String(UInt32(truncatingIfNeeded: value ^ value >> 32), radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
