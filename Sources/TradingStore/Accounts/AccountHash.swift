/// FNV-1a, 64 bits: the same number for a name in every process, unlike Swift's own hashes.
func stableHash(_ name: String) -> UInt64 {
  name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
