import KubernetesModels

/// A fingerprint of configuration that pods are started with (FNV-1a, 64 bits). It only has to differ when they do.
enum ContentHash {
  static func of(_ parts: [String]) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for part in parts {
      for byte in part.utf8 + [0] {
        hash ^= UInt64(byte)
        hash &*= 0x0000_0100_0000_01b3
      }
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  static func of(_ map: [String: String]) -> String {
    of(map.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] })
  }
}
