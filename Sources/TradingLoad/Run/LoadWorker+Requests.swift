import NIOCore

/// What the single requests are, and how orders get their answers.
extension LoadWorker {
  func placeMarket(_ arrival: Arrival) async -> Bool {
    let account = writer.account(arrival.number)
    turns[account] += 1
    return await place(writer.market(arrival.number, turn: turns[account] - 1), arrival) != nil
  }

  func placeLimit(_ arrival: Arrival) async -> Bool {
    guard let place = await place(writer.limit(arrival.number), arrival) else { return false }
    if result.records[place].status != 422 { resting.append(place) }
    return true
  }

  func cancelOldest(_ arrival: Arrival) async -> Bool {
    // Nothing to cancel yet: the request is spent on something that will be.
    guard let place = resting.popFirst() else { return await placeLimit(arrival) }
    let record = result.records[place]
    let account = writer.accounts[record.account]
    return await isAnswered(
      .delete("/api/orders/\(writer.clientOrderId(record.number))?accountId=\(account.id)", token: account.token),
      arrival)
  }

  /// The request of an operation that only reads.
  func read(_ arrival: Arrival) -> Request {
    let name = arrival.operation.rawValue
    let account = writer.accounts[arrival.number % writer.accounts.count]
    let ofAccount = "/api/\(name)?accountId=\(account.id)"
    switch arrival.operation {
    case .health: return .get("/health")
    case .symbols, .prices: return .get("/api/\(name)", token: account.token)
    case .candles:
      let symbol = writer.instruments[arrival.number % writer.instruments.count].symbol
      return .get("/api/candles/\(symbol)", token: account.token)
    case .account: return .get("/api/accounts/\(account.id)", token: account.token)
    case .transactions: return .get("\(ofAccount)&since=\(account.lastTransactionId)&limit=50", token: account.token)
    case .orderRead:
      guard let lastAcknowledged else { return .get("/api/orders?accountId=\(account.id)", token: account.token) }
      return receipt(of: result.records[lastAcknowledged])
    case .orders, .trades, .positions, .order, .limit, .cancel: return .get(ofAccount, token: account.token)
    }
  }

  /// Asks for the stored answer to an order.
  func receipt(of record: OrderRecord) -> Request {
    let account = writer.accounts[record.account]
    let id = writer.clientOrderId(record.number)
    return .get("/api/orders/\(id)?accountId=\(account.id)", token: account.token)
  }

  /// Sends the order of a record until there is an answer, the same bytes with the same client order id each time, to one
  /// server after the other. False when there is none at the deadline.
  func submit(_ place: Int, until deadline: NIODeadline) async -> Bool {
    let request = result.records[place].request
    var pause = Int64(20_000_000)
    while true {
      let target = result.records[place].number + result.records[place].attempts
      result.records[place].attempts += 1
      var wait = Int64.random(in: pause / 2...pause, using: &generator)
      pause = min(pause * 2, 1_000_000_000)
      if case .success(let answer) = await exchange(
        request, target: target, account: result.records[place].account, until: deadline)
      {
        if !answer.isTransient {
          if !result.records[place].take(answer) {
            result.differing.insert(writer.clientOrderId(result.records[place].number))
          }
          if !answer.isReceipt { result.troubles["\(answer.problem) to an order", default: 0] += 1 }
          return true
        }
        wait = max(wait, (answer.retryAfter ?? 0) * 1_000_000_000)
      }
      guard .now() + .nanoseconds(wait) < deadline else { return false }
      await sleep(until: .now() + .nanoseconds(wait))
    }
  }

  /// Places an order and sees to it that its answer is learnt. The index of its record when the server has it.
  private func place(_ request: Request, _ arrival: Arrival) async -> Int? {
    let place = result.records.count
    result.records.append(
      OrderRecord(number: arrival.number, account: writer.account(arrival.number), request: request))
    guard await submit(place, until: arrival.due + .nanoseconds(options.orderDeadline.nanoseconds)) else {
      result.records[place].outcome = .unknown
      return nil
    }
    guard result.records[place].outcome == .acknowledged else { return nil }
    lastAcknowledged = place
    acknowledged += 1
    // A client that lost the answer asks again. Nobody waits for that, so its time is not counted.
    if Double.random(in: 0..<100, using: &generator) < options.repeatPercent {
      launch { worker in
        _ = await worker.submit(place, until: .now() + .nanoseconds(worker.options.orderDeadline.nanoseconds))
      }
    }
    return place
  }
}
