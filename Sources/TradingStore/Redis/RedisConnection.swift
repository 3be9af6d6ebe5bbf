import CHiredis
import Glibc

/// How to reach Redis.
public struct RedisSettings: Sendable, Hashable {
  public var host: String
  public var port: Int
  public var password: Secret?
  /// Time for connecting, and for the answer to each command.
  public var timeout: Duration

  public init(host: String, port: Int = 6379, password: Secret? = nil, timeout: Duration = .seconds(1)) {
    self.host = host
    self.port = port
    self.password = password
    self.timeout = timeout
  }
}

/// What can go wrong between this program and Redis.
public enum RedisError: Error, Sendable, Hashable, CustomStringConvertible {
  /// No connection, or it broke; a new one is needed.
  case connection(String)
  /// Redis refused the command, in its own words (`NOAUTH …`, `LOADING …`).
  case refused(String)

  public var description: String {
    switch self {
    case .connection(let message): "cannot reach Redis: \(message)"
    case .refused(let message): "Redis refused: \(message)"
    }
  }
}

/// A reply, as far as this program needs them.
public enum RedisValue: Sendable, Hashable {
  case null
  case integer(Int64)
  case string(String)
  case array([RedisValue])

  public var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }
}

/// One connection to Redis through hiredis, on a thread of its own.
public actor RedisConnection {
  private let executor = ThreadExecutor()
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private var context: UnsafeMutablePointer<redisContext>?
  private var settings: RedisSettings?

  /// Makes the actor; `open` connects.
  public init() {}

  /// Connects, authenticates and checks with PING that Redis serves (not still loading its data).
  public func open(_ settings: RedisSettings) throws(RedisError) {
    // hiredis writes without MSG_NOSIGNAL: a peer that hung up would end the process.
    signal(SIGPIPE, SIG_IGN)
    self.settings = settings
    let seconds = settings.timeout.components
    let limit = timeval(tv_sec: Int(seconds.seconds), tv_usec: Int(seconds.attoseconds / 1_000_000_000_000))
    guard let context = redisConnectWithTimeout(settings.host, Int32(settings.port), limit) else {
      throw .connection("out of memory")
    }
    self.context = context
    if context.pointee.err != 0 { throw lost(context) }
    redisSetTimeout(context, limit)
    redisEnableKeepAlive(context)
    if let password = settings.password { try command(["AUTH", password.reveal()]) }
    try command(["PING"])
  }

  /// Sends one command and waits for its reply. On a cluster, goes over to the node that serves the command's keys.
  @discardableResult
  public func command(_ arguments: [String]) throws(RedisError) -> RedisValue {
    var redirections = 0
    while true {
      let refusal: RedisError
      do throws(RedisError) { return try send(arguments) } catch { refusal = error }
      // A cluster that is being changed may redirect a few times.
      guard case .refused(let message) = refusal, var target = settings, redirections < 5,
        let redirection = RedisRedirection(message)
      else { throw refusal }
      redirections += 1
      if !redirection.host.isEmpty { target.host = redirection.host }
      target.port = redirection.port
      dispose()
      try open(target)
      if redirection.isForOneCommand { try send(["ASKING"]) }
    }
  }

  @discardableResult
  private func send(_ arguments: [String]) throws(RedisError) -> RedisValue {
    guard let context else { throw .connection("the connection is closed") }
    let lengths = arguments.map { $0.utf8.count }
    let reply = withCStrings(arguments) { words in
      redisCommandArgv(context, Int32(arguments.count), UnsafeMutablePointer(mutating: words), lengths)
    }
    guard let reply else { throw lost(context) }
    defer { freeReplyObject(reply) }
    return try Self.value(of: reply.assumingMemoryBound(to: redisReply.self))
  }

  /// On a connection that subscribed, the next published text, or nil when none comes within `timeout`.
  public func nextMessage(within timeout: Duration) throws(RedisError) -> (channel: String, text: String)? {
    guard let context else { throw .connection("the connection is closed") }
    let deadline = ContinuousClock.now + timeout
    while true {
      var reply: UnsafeMutableRawPointer?
      guard redisGetReplyFromReader(context, &reply) == REDIS_OK else { throw lost(context) }
      if let reply {
        defer { freeReplyObject(reply) }
        // ["message", channel, text]; other pushes, such as the answer to SUBSCRIBE, are passed over.
        if case .array(let parts) = try Self.value(of: reply.assumingMemoryBound(to: redisReply.self)),
          parts.count == 3, parts[0] == .string("message"), let channel = parts[1].text, let text = parts[2].text
        {
          return (channel, text)
        }
        continue
      }
      guard waitForSocket(context.pointee.fd, reading: true, writing: false, until: deadline) else { return nil }
      guard redisBufferRead(context) == REDIS_OK else { throw lost(context) }
    }
  }

  /// Closes the connection and ends its thread. The actor cannot be used afterwards.
  public func close() {
    dispose()
    executor.stop()
  }

  private func lost(_ context: UnsafeMutablePointer<redisContext>) -> RedisError {
    let message = withUnsafeBytes(of: context.pointee.errstr) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    dispose()
    return .connection(message.isEmpty ? "no answer" : message)
  }

  private func dispose() {
    if let context { redisFree(context) }
    context = nil
  }

  private static func value(of reply: UnsafeMutablePointer<redisReply>) throws(RedisError) -> RedisValue {
    func text() -> String {
      let bytes = UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len)
      return String(decoding: bytes, as: UTF8.self)
    }
    switch reply.pointee.type {
    case REDIS_REPLY_ERROR: throw .refused(text())
    case REDIS_REPLY_STATUS, REDIS_REPLY_STRING: return .string(text())
    case REDIS_REPLY_INTEGER: return .integer(reply.pointee.integer)
    case REDIS_REPLY_ARRAY:
      var values: [RedisValue] = []
      for index in 0..<reply.pointee.elements {
        guard let element = reply.pointee.element[index] else { continue }
        values.append(try value(of: element))
      }
      return .array(values)
    default: return .null
    }
  }
}
