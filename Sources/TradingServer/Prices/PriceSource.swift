/// Where the prices on the board come from.
public enum PriceSource: Sendable, Hashable {
  /// Shared by all replicas through Redis; this replica leads or follows.
  case shared(isLeader: Bool)
  /// Made here because Redis cannot be reached; other replicas may show others.
  case local(reason: String)
}
