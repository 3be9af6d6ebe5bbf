import FoundationEssentials
import NIOCore

/// The part of an account's transactions that the accounting needs.
struct LedgerPage: Decodable, Sendable {
  struct Entry: Decodable, Sendable {
    let id: String
    let type: String
    let clientOrderId: String?

    /// Whether an order enters the ledger by it, as accepted or as rejected.
    var isCreation: Bool { type.hasSuffix("_ORDER") || type.hasSuffix("_ORDER_REJECT") }
  }
  let transactions: [Entry]

  /// nil when the body is something else.
  init?(_ body: ByteBuffer) {
    guard let page = try? JSONDecoder().decode(LedgerPage.self, from: Data(body.readableBytesView)) else { return nil }
    self = page
  }

  /// How many transactions create each of a run's orders.
  func creations(prefix: String) -> [Int: Int] {
    var counts: [Int: Int] = [:]
    for entry in transactions where entry.isCreation {
      guard let id = entry.clientOrderId, id.hasPrefix(prefix + "-"), let number = Int(id.dropFirst(prefix.count + 1))
      else { continue }
      counts[number, default: 0] += 1
    }
    return counts
  }
}
