/// What the ledger holds of a run's orders, by their numbers.
struct LedgerFindings: Sendable {
  /// How many transactions create, or reject, each order.
  var creations: [Int: Int] = [:]
  /// Orders that were asked for one by one: the digest of the stored answer, nil when there is none.
  var receipts: [Int: Int?] = [:]
  /// Whether every account's transactions were read: only then is it known that nothing is there twice.
  var isComplete = true
  /// Why it is not complete.
  var obstacles: Set<String> = []

  mutating func merge(_ other: LedgerFindings) {
    creations.merge(other.creations, uniquingKeysWith: +)
    receipts.merge(other.receipts) { $1 }
    isComplete = isComplete && other.isComplete
    obstacles.formUnion(other.obstacles)
  }

  /// Whether the order stands in the ledger; nil when that could not be read.
  func holds(_ number: Int) -> Bool? {
    if let count = creations[number], count > 0 { return true }
    if let receipt = receipts[number] { return receipt != nil }
    return isComplete ? false : nil
  }
}

extension OrderFigures {
  /// Holds what the server said against what its ledger says.
  init(_ records: [OrderRecord], differing: Set<String>, findings: LedgerFindings, name: (Int) -> String) {
    self.init()
    var differing = differing
    sent = records.count
    for record in records {
      let id = name(record.number)
      let isHeld = findings.holds(record.number)
      if isHeld == true { found += 1 }
      if record.attempts > 1 { retried += 1 }
      switch record.outcome {
      case .acknowledged:
        acknowledged += 1
        if record.status == 422 { rejected += 1 }
        if record.wasResolved { resolved += 1 }
        if isHeld == false { lost.append(id) }
        if isHeld == nil { unchecked += 1 }
        if case .some(.some(let digest)) = findings.receipts[record.number], digest != record.digest {
          differing.insert(id)
        }
      case .refused:
        refused += 1
        // 409 says itself that the id stands there, for another order.
        if isHeld == true, record.status != 409 { contradicted.append(id) }
      case .unknown, .pending: unknown += 1
      }
      if findings.creations[record.number, default: 0] > 1 { doubled.append(id) }
    }
    self.differing = differing.sorted()
    ledgerIsComplete = findings.isComplete
    obstacles = findings.obstacles.sorted()
  }
}
