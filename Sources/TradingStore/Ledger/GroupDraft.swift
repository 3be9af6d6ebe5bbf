import TradingCore

/// The commands of a group carried out in memory, account by account, and what is to be written for them.
struct GroupDraft {
  /// What one account's commands led to, one after the other.
  struct Chain {
    let base: CachedAccount
    var account: Account
    var fence: EvaluatorLease?
    var transactions: [Transaction] = []
    var orders: [OrderReceipt] = []
    /// Orders of this chain by client order id, for repetitions within the group.
    var placed: [String: StoredOrder] = [:]
    var accountId: String { account.settings.accountId }
    /// Who is to be told what, once the chain is committed.
    var answers: [(command: DeskCommand, result: Result<DeskCommand.Answer, DeskError>)] = []
  }

  private(set) var chains: [Chain] = []
  private var indices: [String: Int] = [:]
  /// Commands of an evaluator with another lease than the chain's: for the next group.
  private(set) var deferred: [DeskCommand] = []

  /// Carries `command` out on the account as the commands before it left it.
  ///
  /// - Parameter stored: the answer to the same client order id, if it is known already.
  mutating func add(_ command: DeskCommand, on base: CachedAccount, stored: StoredOrder?, in market: Market) {
    let index: Int
    if let known = indices[command.accountId] {
      index = known
    } else {
      index = chains.count
      indices[command.accountId] = index
      chains.append(Chain(base: base, account: base.account))
    }
    if let fence = command.fence {
      guard chains[index].fence == nil || chains[index].fence == fence else { return deferred.append(command) }
      chains[index].fence = fence
    }
    let result = chains[index].carryOut(command.work, stored: stored, in: market)
    chains[index].answers.append((command, result))
  }

  /// Whether there is anything to write; otherwise it is enough to see that nobody else has written.
  var writes: Bool { chains.contains { !$0.transactions.isEmpty } }

  var commands: [DeskCommand] { chains.flatMap { $0.answers.map(\.command) } }

  var rows: [GroupStatement.Row] {
    chains.map { chain in
      GroupStatement.Row(
        accountId: chain.accountId, expected: chain.base.account.lastTransactionId,
        revision: chain.base.revision, last: chain.account.lastTransactionId, isActive: chain.account.isActive,
        fence: chain.fence, transactions: chain.transactions, orders: chain.orders)
    }
  }
}

extension Account {
  /// Whether prices can lead to something: orders wait or trades are open.
  var isActive: Bool { !orders.isEmpty || !trades.isEmpty }
}

extension GroupDraft.Chain {
  fileprivate mutating func carryOut(
    _ work: DeskCommand.Work, stored: StoredOrder?, in market: Market
  ) -> Result<DeskCommand.Answer, DeskError> {
    switch work {
    case .read: return .success(.account(account))
    case .place(let request):
      if let known = placed[request.clientOrderId] ?? stored { return Self.repeated(request, known) }
      do throws(CommandError) {
        let new = try post(in: market) { account, market throws(CommandError) in
          try account.place(request, in: market, at: .now).transactions
        }
        guard let receipt = orders.last, let order = placed[receipt.clientOrderId] else {
          return .failure(.unavailable("the order led to no receipt"))
        }
        return .success(
          .placement(Placement(receipt: order.receipt, isNew: true, status: order.status, transactions: new)))
      } catch {
        return .failure(.command(error))
      }
    case .perform(let body):
      do throws(CommandError) {
        return .success(.transactions(try post(in: market, body)))
      } catch {
        return .failure(.command(error))
      }
    }
  }

  private static func repeated(
    _ request: OrderRequest, _ known: StoredOrder
  ) -> Result<DeskCommand.Answer, DeskError> {
    if let field = request.fieldDiffering(from: known.request) { return .failure(.command(.conflict(field: field))) }
    return .success(
      .placement(Placement(receipt: known.receipt, isNew: false, status: known.status, transactions: [])))
  }

  private mutating func post(
    in market: Market, _ body: DeskCommand.Body
  ) throws(CommandError) -> [Transaction] {
    let last = account.lastTransactionId
    let new: [Transaction]
    do throws(CommandError) {
      new = try body(&account, market)
    } catch {
      // A body of several commands may have failed after the first of them.
      if account.lastTransactionId != last { rebuild() }
      throw error
    }
    account.forgetAnswers()
    transactions += new
    for transaction in new {
      guard let request = transaction.placedOrder,
        let receipt = OrderReceipt(
          transaction, in: new, of: account.settings, digits: market.terms.catalog[request.symbol]?.digits ?? 0)
      else { continue }
      orders.append(receipt)
      placed[receipt.clientOrderId] = StoredOrder(request: request, receipt: receipt.json, status: receipt.status)
    }
    return new
  }

  /// The state that the transactions so far lead to.
  private mutating func rebuild() {
    account = base.account
    // They were made by this account a moment ago, so they apply.
    for transaction in transactions { try? account.apply(transaction) }
    account.forgetAnswers()
  }
}
