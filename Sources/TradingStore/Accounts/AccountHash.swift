/// FNV-1a, 64 bits: the same number for a name in every process, unlike Swift's own hashes.
func stableHash(_ name: String) -> UInt64 {
  name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

/// The hash with every bit of the name in every bit of the number (the finalizer of MurmurHash3, fmix64). FNV-1a alone
/// spreads names that differ in their last characters over its lowest bits only: its upper half is the same for most of
/// them.
func mixedHash(_ name: String) -> UInt64 {
  var hash = stableHash(name)
  hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
  hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
  return hash ^ (hash >> 33)
}
