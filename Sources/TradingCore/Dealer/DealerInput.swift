/// Everything that can be done to a dealer. A day is the list of its inputs with their times: played to a new dealer with the
/// same terms, it gives the same transactions to the byte.
public enum DealerInput: Sendable, Hashable {
  case open(AccountSettings)
  case quote(Quote)
  case place(OrderRequest)
  case cancel(accountId: String, orderId: TransactionID)
  case modify(accountId: String, tradeId: TransactionID, TradeProtection)
  case transfer(accountId: String, Money, FundTransfer.Reason, reference: String)
  case rollover(accountId: String, Timestamp)
}

/// Why an input changed nothing.
public enum DealerInputError: Error, Hashable, Sendable {
  case accountExists(String)
  case accountUnknown(String)
  case quote(QuoteError)
  case command(CommandError)
}

extension Dealer {
  /// Does what `input` says and gives what it wrote, account by account. A repeated order writes nothing.
  public mutating func handle(_ input: DealerInput, at time: Timestamp) throws(DealerInputError) -> [Effect] {
    switch input {
    case .open(let settings):
      guard self[settings.accountId] == nil else { throw .accountExists(settings.accountId) }
      let (account, created) = Account.open(settings, at: time)
      add(account)
      return [Effect(accountId: settings.accountId, transactions: [created])]
    case .quote(let quote):
      do { return try tick(quote, at: time) } catch { throw .quote(error) }
    case .place(let request):
      return try command(request.accountId) { account, market throws(CommandError) in
        try account.place(request, in: market, at: time).transactions
      }
    case .cancel(let accountId, let orderId):
      return try command(accountId) { account, _ throws(CommandError) in
        try account.cancel(orderId: orderId, at: time)
      }
    case .modify(let accountId, let tradeId, let protection):
      return try command(accountId) { account, market throws(CommandError) in
        try account.modify(tradeId: tradeId, protection: protection, in: market, at: time)
      }
    case .transfer(let accountId, let amount, let reason, let reference):
      return try command(accountId) { account, market throws(CommandError) in
        try account.transfer(amount, reason: reason, reference: reference, in: market, at: time)
      }
    case .rollover(let accountId, let moment):
      return try command(accountId) { account, market throws(CommandError) in
        try account.rollover(moment, in: market, at: time)
      }
    }
  }

  private mutating func command(
    _ accountId: String, _ body: (inout Account, Market) throws(CommandError) -> [Transaction]
  ) throws(DealerInputError) -> [Effect] {
    let transactions: [Transaction]?
    do throws(CommandError) { transactions = try perform(on: accountId, body) } catch { throw .command(error) }
    guard let transactions else { throw .accountUnknown(accountId) }
    return transactions.isEmpty ? [] : [Effect(accountId: accountId, transactions: transactions)]
  }
}
