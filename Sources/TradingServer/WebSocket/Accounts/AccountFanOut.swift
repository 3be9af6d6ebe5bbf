import NIOCore
import TradingCore
import TradingStore

/// A connection as the fan-out of accounts sees it.
protocol AccountFollower: AnyObject {
  /// Whether it takes more; a slow reader does not.
  var takesAccounts: Bool { get }
  /// Sends a whole frame, which may be shared with others.
  func sendAccount(_ frame: ByteBuffer)
  /// The account was told; it deals at the prices of `group`.
  func opened(_ accountId: String, group: String)
  func refuse(_ accountId: String, _ mistake: StreamMistake)
  func close(_ reason: StreamClose)
}

/// Tells the clients of one event loop about the accounts that they follow; belongs to that loop.
final class AccountFanOut {
  private final class Subscription {
    let follower: any AccountFollower
    let since: TransactionID?
    var feed = AccountFeed()

    init(_ follower: any AccountFollower, since: TransactionID?) {
      self.follower = follower
      self.since = since
    }
  }

  private let events: AccountEvents
  private let lag: Int64
  private let eventLoop: any EventLoop
  private var subscriptions: [String: [ObjectIdentifier: Subscription]] = [:]

  init(events: AccountEvents, lag: Int64, eventLoop: any EventLoop) {
    self.events = events
    self.lag = lag
    self.eventLoop = eventLoop
  }

  /// Tells the account, then its transactions after `since` or after what the account shows. Asked for again, it begins anew.
  func watch(_ follower: any AccountFollower, _ accountId: String, since: TransactionID?) {
    unwatch(follower, accountId)
    let subscription = Subscription(follower, since: since)
    subscriptions[accountId, default: [:]][ObjectIdentifier(follower)] = subscription
    // Before the account is read, so that nothing is committed unheard in between.
    events.follow(accountId)
    let bound = NIOLoopBound((self, subscription), eventLoop: eventLoop)
    let eventLoop = eventLoop
    events.open(accountId) { result in
      eventLoop.execute { bound.value.0.opened(bound.value.1, accountId, result) }
    }
  }

  func unwatch(_ follower: any AccountFollower, _ accountId: String) {
    guard subscriptions[accountId]?.removeValue(forKey: ObjectIdentifier(follower)) != nil else { return }
    if subscriptions[accountId]?.isEmpty == true { subscriptions[accountId] = nil }
    events.unfollow(accountId)
  }

  /// These were committed, in this order.
  func hear(_ news: [String: [TransactionMessage]]) {
    for (accountId, messages) in news {
      for subscription in (subscriptions[accountId] ?? [:]).values {
        for message in messages { hear(message, subscription, accountId) }
      }
    }
  }

  /// The follower takes messages again, or a while has passed since the ledger could not be read.
  func resume(_ follower: any AccountFollower, _ accountId: String) {
    guard let subscription = subscriptions[accountId]?[ObjectIdentifier(follower)], follower.takesAccounts else {
      return
    }
    perform(subscription.feed.proceed(), nil, subscription, accountId)
  }

  private func hear(_ message: TransactionMessage, _ subscription: Subscription, _ accountId: String) {
    let decision = subscription.feed.hear(
      message.id, isReady: message.frame != nil, isSlow: !subscription.follower.takesAccounts, lag: lag)
    perform(decision, message.frame, subscription, accountId)
  }

  private func perform(
    _ decision: AccountFeed.Decision, _ frame: ByteBuffer?, _ subscription: Subscription, _ accountId: String
  ) {
    switch decision {
    case .nothing: break
    case .send: if let frame { subscription.follower.sendAccount(frame) }
    case .outgrown(let told): subscription.follower.close(.outgrown(after: told, account: accountId))
    case .read(let told):
      let bound = NIOLoopBound((self, subscription), eventLoop: eventLoop)
      let eventLoop = eventLoop
      events.read(accountId, after: told) { page in
        eventLoop.execute { bound.value.0.read(page, bound.value.1, accountId) }
      }
    }
  }

  private func isCurrent(_ subscription: Subscription, _ accountId: String) -> Bool {
    subscriptions[accountId]?[ObjectIdentifier(subscription.follower)] === subscription
  }

  private func opened(
    _ subscription: Subscription, _ accountId: String, _ result: Result<AccountEvents.Opening, DeskError>
  ) {
    guard isCurrent(subscription, accountId) else { return }
    let follower = subscription.follower
    switch result {
    case .failure(let error):
      unwatch(follower, accountId)
      follower.refuse(accountId, StreamMistake(APIError(error)))
    case .success(let opening) where (subscription.since ?? 0) > opening.lastTransactionId:
      unwatch(follower, accountId)
      follower.refuse(
        accountId,
        StreamMistake(
          "unknown_transaction", field: "since", "the account's last transaction is \(opening.lastTransactionId)",
          remedy: "send the id of the last transaction that you have seen, or leave since out"))
    case .success(let opening):
      follower.sendAccount(opening.frame)
      follower.opened(accountId, group: opening.group)
      subscription.feed.open(last: opening.lastTransactionId, since: subscription.since)
      resume(follower, accountId)
    }
  }

  private func read(_ page: [TransactionMessage]?, _ subscription: Subscription, _ accountId: String) {
    guard isCurrent(subscription, accountId) else { return }
    guard let page else { return subscription.feed.failed() }
    let frames = Dictionary(page.map { ($0.id, $0.frame) }) { $1 }
    for id in subscription.feed.take(page.map(\.id)) {
      if let frame = frames[id] ?? nil { subscription.follower.sendAccount(frame) }
    }
    // A page that held nothing is asked for again later, not at once.
    if !page.isEmpty { resume(subscription.follower, accountId) }
  }
}
