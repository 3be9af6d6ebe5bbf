import TradingCore

/// An account as it was committed, and what is needed to write the next transactions.
struct CachedAccount: Sendable {
  var account: Account
  /// The row's `revision`; a group that expects another one is not written.
  var revision: Int64
  /// The last transaction that is in the stored snapshot; 0 when there is none.
  var snapshotId: TransactionID
  /// Someone else has written, or may have: what came since has to be read first.
  var isStale = false
}

/// The accounts that a lane used last. Bounded: an account that is dropped is simply loaded again.
struct AccountCache {
  private struct Entry {
    var value: CachedAccount
    var lastUsed: UInt64
  }

  private let capacity: Int
  private var entries: [String: Entry] = [:]
  private var clock: UInt64 = 0

  init(capacity: Int) { self.capacity = max(4, capacity) }

  var count: Int { entries.count }

  subscript(accountId: String) -> CachedAccount? {
    mutating get {
      clock += 1
      entries[accountId]?.lastUsed = clock
      return entries[accountId]?.value
    }
    set {
      clock += 1
      entries[accountId] = newValue.map { Entry(value: $0, lastUsed: clock) }
      if entries.count > capacity { shrink() }
    }
  }

  mutating func markStale(_ accountId: String) { entries[accountId]?.value.isStale = true }

  mutating func removeAll() { entries = [:] }

  /// Drops the quarter that was not used for the longest time, so that sorting is paid for by many insertions.
  private mutating func shrink() {
    let times = entries.values.map(\.lastUsed).sorted()
    let oldest = times[entries.count / 4]
    entries = entries.filter { $0.value.lastUsed > oldest }
  }
}

/// An order that is stored: what was asked and what was answered.
struct StoredOrder: Sendable {
  let request: OrderRequest
  let receipt: String
  let status: OrderStatus
}

/// The key of an order.
struct OrderKey: Hashable, Sendable {
  let accountId: String
  let clientOrderId: String
}

/// The newest answers of a lane, for repetitions, which mostly come soon. What is committed never changes, so they cannot
/// be out of date. Bounded: the oldest goes first.
struct RecentOrders {
  private let capacity: Int
  private var orders: [OrderKey: StoredOrder] = [:]
  private var ring: [OrderKey] = []
  private var next = 0

  init(capacity: Int) { self.capacity = max(1, capacity) }

  subscript(key: OrderKey) -> StoredOrder? { orders[key] }

  mutating func add(_ key: OrderKey, _ order: StoredOrder) {
    if orders.updateValue(order, forKey: key) != nil { return }
    if ring.count < capacity {
      ring.append(key)
      return
    }
    orders[ring[next]] = nil
    ring[next] = key
    next = (next + 1) % capacity
  }

  mutating func removeAll() { (orders, ring, next) = ([:], [], 0) }
}
