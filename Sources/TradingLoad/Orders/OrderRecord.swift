import NIOCore

/// What is known of one order that was sent.
struct OrderRecord: Sendable {
  enum Outcome: Sendable, Hashable {
    /// No answer yet.
    case pending
    /// The server says that it stands in the ledger: filled, waiting, cancelled or rejected there.
    case acknowledged
    /// The server says that nothing was written.
    case refused
    /// No answer before the deadline.
    case unknown
  }
  /// Its number in the run; the client order id is made of it.
  let number: Int
  let account: Int
  let request: Request
  var outcome = Outcome.pending
  /// The status of the answer.
  var status = 0
  /// Of the answer's bytes.
  var digest = 0
  var attempts = 0
  /// Answered only after its deadline, when it was sent again.
  var wasResolved = false

  /// Takes an answer; returns false when an earlier one had other bytes.
  mutating func take(_ answer: Answer) -> Bool {
    let digest = Self.digest(answer.body)
    if outcome == .acknowledged { return answer.isReceipt && digest == self.digest }
    outcome = answer.isReceipt ? .acknowledged : .refused
    status = answer.status
    self.digest = digest
    return true
  }

  static func digest(_ body: ByteBuffer) -> Int {
    var hasher = Hasher()
    body.withUnsafeReadableBytes { hasher.combine(bytes: $0) }
    return hasher.finalize()
  }
}

extension Answer {
  /// The stored answer to an order, whatever became of it (201 new, 200 repeated, 422 rejected), and not an error.
  var isReceipt: Bool {
    [200, 201, 422].contains(status) && body.readableBytesView.starts(with: #"{"accountId""#.utf8)
  }
}
