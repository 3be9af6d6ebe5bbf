import NIOCore

/// After the last arrival: what became of the orders without an answer, and what the ledger says of all.
extension LoadWorker {
  private static let pageSize = 1_000
  /// Receipts that are read one by one when the transactions tell the counts.
  private static let receiptSample = 10_000

  /// Sends unknown orders again until they are answered.
  func resolveUnknown(until deadline: NIODeadline) async {
    await forEachRecord({ $0.outcome == .unknown }) { worker, place in
      guard await worker.submit(place, until: deadline) else { return }
      await worker.markResolved(place)
    }
  }

  private func markResolved(_ place: Int) { result.records[place].wasResolved = true }

  /// Reads the transactions that an account got since the run began.
  func readTransactions(of account: LoadAccount, number: Int, until deadline: NIODeadline) async -> LedgerFindings {
    var findings = LedgerFindings()
    var since = account.lastTransactionId
    while true {
      let path = "/api/transactions?accountId=\(account.id)&since=\(since)&limit=\(Self.pageSize)"
      let page: LedgerPage
      switch await ask(.get(path, token: account.token), account: number, until: deadline) {
      case .success(let answer):
        guard answer.status == 200, let decoded = LedgerPage(answer.body) else {
          findings.isComplete = false
          findings.obstacles.insert("GET /api/transactions: \(answer.problem)")
          return findings
        }
        page = decoded
      case .failure(let error):
        findings.isComplete = false
        findings.obstacles.insert("GET /api/transactions: \(error.rawValue)")
        return findings
      }
      findings.creations.merge(page.creations(prefix: options.prefix), uniquingKeysWith: +)
      guard let last = page.transactions.last.flatMap({ Int64($0.id) }), last > since else { return findings }
      since = last
    }
  }

  /// Reads stored answers: a sample of the acknowledged ones when the transactions are known, otherwise all.
  func readReceipts(all: Bool, until deadline: NIODeadline) async -> LedgerFindings {
    let stride = all ? 1 : max(1, result.records.count / Self.receiptSample)
    let collector = Collector()
    await forEachRecord({ all || ($0.outcome == .acknowledged && $0.number % stride == 0) }) { worker, place in
      await worker.readReceipt(place, into: collector, until: deadline)
    }
    return await collector.findings
  }

  private func readReceipt(_ place: Int, into collector: Collector, until deadline: NIODeadline) async {
    let record = result.records[place]
    switch await ask(receipt(of: record), account: record.account, until: deadline) {
    case .success(let answer) where answer.status == 200:
      await collector.note(record.number, OrderRecord.digest(answer.body))
    case .success(let answer) where answer.status == 404: await collector.note(record.number, nil)
    case .success(let answer): await collector.note("GET /api/orders/:id: \(answer.problem)")
    case .failure(let error): await collector.note("GET /api/orders/:id: \(error.rawValue)")
    }
  }

  /// Asks one target after the other until one answers, or the deadline has passed.
  func ask(
    _ request: Request, account: Int = 0, until deadline: NIODeadline
  ) async -> Result<Answer, ExchangeError> {
    var attempt = 0
    while true {
      let result = await exchange(request, target: attempt, account: account, until: deadline)
      attempt += 1
      if case .success(let answer) = result, !answer.isTransient { return result }
      guard NIODeadline.now() + .milliseconds(100) < deadline else { return result }
      await sleep(until: .now() + .milliseconds(100))
    }
  }

  /// Runs `body` for the records that satisfy `condition`, as many at once as there are connections.
  private func forEachRecord(
    _ condition: (OrderRecord) -> Bool, _ body: @escaping @Sendable (LoadWorker, Int) async -> Void
  ) async {
    let places = result.records.indices.filter { condition(result.records[$0]) }
    await withTaskGroup(of: Void.self) { group in
      for (number, place) in places.enumerated() {
        if number >= options.connections { await group.next() }
        group.addTask { await body(self, place) }
      }
    }
  }

  /// Gathers what many requests at once find out.
  private actor Collector {
    private(set) var findings = LedgerFindings()

    func note(_ number: Int, _ digest: Int?) { findings.receipts.updateValue(digest, forKey: number) }
    func note(_ obstacle: String) { findings.obstacles.insert(obstacle) }
  }
}
