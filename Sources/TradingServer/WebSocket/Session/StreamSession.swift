import NIOCore
import TradingCore

/// One client's session, without any input or output: what happened goes in, what is to be done comes out.
struct StreamSession {
  /// What the connection is to do, in this order.
  enum Action: Equatable {
    case send(StreamReply)
    /// Answers a ping with its own payload.
    case pong(ByteBuffer)
    case ping
    /// The client follows these instruments, by their places in the catalog, and wants to see all of them now.
    case follow([Int])
    /// As above, without a fresh look.
    case unfollow([Int])
    case watch(account: String, since: TransactionID?)
    case unwatch(account: String)
    /// Says goodbye; the client answers with a close of its own.
    case close(StreamClose)
    /// Answers the client's goodbye with its code, and ends the connection.
    case answerClose(ByteBuffer)
    /// Ends the connection without a word.
    case end
  }

  private enum Phase: Equatable {
    /// Known or not, a client may not be told anything before it is.
    case unauthenticated(until: NIODeadline)
    case open
    case closing(until: NIODeadline)
    case ended
  }

  private let terms: StreamTerms
  private var phase: Phase
  private var access: StreamAccess?
  /// Places in the catalog, ascending.
  private(set) var instruments: [Int] = []
  private(set) var accounts: Set<String> = []
  private var heard: NIODeadline
  private var told: NIODeadline
  private var pinged: NIODeadline
  private var second: NIODeadline
  private var messagesInSecond = 0

  init(terms: StreamTerms, now: NIODeadline) {
    self.terms = terms
    phase = .unauthenticated(until: now + terms.limits.authentication)
    (heard, told, pinged, second) = (now, now, now, now)
  }

  private var limits: StreamLimits { terms.limits }

  /// Whether prices and transactions may be sent.
  var isOpen: Bool {
    if case .open = phase { true } else { false }
  }

  /// The account could not be opened.
  mutating func forget(account: String) { accounts.remove(account) }

  /// Something was written. Not for pings, which browsers do not see.
  mutating func wrote(at now: NIODeadline) { told = now }
}

// MARK: - What happens to a session

extension StreamSession {
  /// The connection stands; `token` is that of the request.
  mutating func start(token: String?, at now: NIODeadline) -> [Action] {
    do throws(APIError) {
      access = try terms.authentication(token)
      phase = .open
      return []
    } catch {
      // Without a token there is time for a first message; a wrong one is final.
      return token == nil ? [] : refuse(error, at: now)
    }
  }

  mutating func receive(_ event: StreamEvent, at now: NIODeadline) -> [Action] {
    heard = now
    switch phase {
    case .ended: return []
    case .closing:
      // Nothing counts any more but the answer to our own close.
      if case .close = event { return end() }
      return []
    case .open, .unauthenticated: break
    }
    if case .close(let payload) = event {
      phase = .ended
      return [.answerClose(payload)]
    }
    if now - second >= .seconds(1) { (second, messagesInSecond) = (now, 0) }
    messagesInSecond += 1
    if messagesInSecond > limits.messagesPerSecond {
      return close(.policy("more than \(limits.messagesPerSecond) messages a second"), at: now)
    }
    switch event {
    case .text(let text): return receive(text, at: now)
    case .ping(let payload): return [.pong(payload)]
    case .pong, .close: return []
    }
  }

  /// The client's bytes break the protocol, or the server wants to part.
  mutating func close(_ reason: StreamClose, at now: NIODeadline) -> [Action] {
    switch phase {
    case .closing, .ended: return []
    case .open, .unauthenticated:
      phase = .closing(until: now + limits.close)
      return [.close(reason)]
    }
  }

  /// This replica goes away.
  mutating func drain(reconnectWithinMilliseconds milliseconds: Int, at now: NIODeadline) -> [Action] {
    let closing = close(.drain, at: now)
    return closing.isEmpty ? [] : [.send(.reconnect(withinMilliseconds: milliseconds))] + closing
  }

  /// Called about once a second.
  mutating func look(at now: NIODeadline, time: Timestamp) -> [Action] {
    switch phase {
    case .ended: return []
    case .closing(let until): return now >= until ? end() : []
    case .unauthenticated(let until) where now >= until:
      return close(
        .policy("not authenticated in time: send the token with the request or in the first message"), at: now)
    case .unauthenticated, .open: break
    }
    if now - heard >= limits.silence { return end() }
    if let expires = access?.expires, time >= expires {
      return close(.policy("the token has expired: reconnect with a new one"), at: now)
    }
    var actions: [Action] = []
    if now - told >= limits.heartbeat { actions.append(.send(.heartbeat(time))) }
    if now - pinged >= limits.ping {
      pinged = now
      actions.append(.ping)
    }
    return actions
  }

  private mutating func end() -> [Action] {
    phase = .ended
    return [.end]
  }

  private mutating func refuse(_ error: APIError, at now: NIODeadline) -> [Action] {
    [.send(.error(StreamMistake(error)))] + close(.policy(error.error.code), at: now)
  }
}

// MARK: - Messages

extension StreamSession {
  private mutating func receive(_ text: ByteBuffer, at now: NIODeadline) -> [Action] {
    do throws(StreamMistake) {
      let message = try ClientMessage(text, limits: limits)
      switch message {
      case .ping: return [.send(.pong)]
      case .authenticate(let token): return authenticate(token, at: now)
      case .subscribe(let symbols, let account, let since): return try subscribe(symbols, account, since)
      case .unsubscribe(let symbols, let account): return try unsubscribe(symbols, account)
      }
    } catch {
      return [.send(.error(error))]
    }
  }

  private mutating func authenticate(_ token: String, at now: NIODeadline) -> [Action] {
    let access: StreamAccess
    do throws(APIError) { access = try terms.authentication(token) } catch { return refuse(error, at: now) }
    self.access = access
    phase = .open
    let lost = accounts.filter { !access.mayFollow($0) }.sorted()
    accounts.subtract(lost)
    return [.send(.authenticated(expires: access.expires))] + lost.map { .unwatch(account: $0) }
  }

  private mutating func subscribe(
    _ symbols: [Symbol]?, _ account: String?, _ since: TransactionID?
  ) throws(StreamMistake) -> [Action] {
    guard let access, isOpen else {
      throw StreamMistake(
        "unauthenticated", "a token is needed", remedy: #"send {"type":"authenticate","token":"…"} first"#)
    }
    var actions: [Action] = []
    if symbols != nil || account == nil {
      instruments = try Set(instruments).union(places(of: symbols)).sorted()
      actions.append(.follow(instruments))
    }
    guard let account else { return actions }
    guard access.mayFollow(account) else {
      throw StreamMistake(
        "forbidden", field: "account", "this token is not for account \"\(account.prefix(64))\"",
        remedy: "see GET /api/accounts")
    }
    guard accounts.contains(account) || accounts.count < limits.accounts else {
      throw StreamMistake(
        "too_many_accounts", field: "account", "a connection follows at most \(limits.accounts) accounts",
        remedy: "open another connection")
    }
    accounts.insert(account)
    return actions + [.watch(account: account, since: since)]
  }

  private mutating func unsubscribe(_ symbols: [Symbol]?, _ account: String?) throws(StreamMistake) -> [Action] {
    var actions: [Action] = []
    if symbols != nil || account == nil {
      instruments = try Set(instruments).subtracting(places(of: symbols)).sorted()
      actions.append(.unfollow(instruments))
    }
    if let account, accounts.remove(account) != nil { actions.append(.unwatch(account: account)) }
    return actions
  }

  /// Where the symbols stand in the catalog; all of it for nil.
  private func places(of symbols: [Symbol]?) throws(StreamMistake) -> [Int] {
    guard let symbols else { return Array(terms.catalog.instruments.indices) }
    var places: [Int] = []
    for symbol in symbols {
      guard let place = terms.catalog.instruments.firstIndex(where: { $0.symbol == symbol }) else {
        throw StreamMistake(
          "unknown_symbol", field: "symbols", "unknown symbol \"\(symbol.name.prefix(64))\"",
          remedy: "see GET /api/symbols")
      }
      places.append(place)
    }
    return places
  }
}
