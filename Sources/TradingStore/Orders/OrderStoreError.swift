/// Why an order could not be placed or read.
public enum OrderStoreError: Error, Sendable, Hashable {
  /// There is no such account.
  case unknownAccount(String)
  /// The client order id was used before for a different order; `field` is the first that differs.
  case conflict(field: String, stored: String, requested: String)
  /// The database could not be used before the deadline, and the order is known not to be placed.
  case unavailable(String)
  /// The connection was lost while the order was being committed and the outcome could not be looked up before the
  /// deadline. Asking again with the same client order id finds out.
  case outcomeUnknown(String)
}

/// A placed order's answer.
public struct Placement: Sendable, Hashable {
  /// JSON, byte for byte the same each time the same client order id is sent.
  public let receipt: String
  /// False when the order had been placed before.
  public let isNew: Bool
}

/// What the database holds, for comparison with what clients were told.
public struct StoreCounts: Sendable, Hashable {
  public let orders: Int64
  public let fills: Int64
  public let transactions: Int64
}
