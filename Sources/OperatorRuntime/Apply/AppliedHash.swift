import KubernetesModels

/// A fingerprint of a desired object (FNV-1a, 128 bits). Not a secret-keeping hash: it only has to differ.
enum AppliedHash {
  static func of(_ value: JSONValue) -> String {
    var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    for byte in value.serialized() {
      hash ^= UInt128(byte)
      hash &*= 0x0000_0000_0100_0000_0000_0000_0000_013b
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 32 - digits.count) + digits
  }
}
