import FoundationEssentials
public import TradingCore

/// Shares prices between replicas through Redis: one replica holds the lead and publishes, all others follow.
public struct PriceExchange: Sendable {
  /// The keys share a hash tag, so that a script may use them together on a Redis cluster.
  static let leadKey = "{rtx}:price-lead"
  static let snapshotKey = "{rtx}:prices"
  static let channel = "{rtx}:ticks"

  /// The lead expires after this time without a publication, so that another replica takes over.
  public static let leadDuration: Duration = .seconds(3)

  private let connection: RedisConnection
  private let replica: String

  /// - Parameters:
  ///   - connection: open, and used for nothing else.
  ///   - replica: unique among the replicas.
  public init(connection: RedisConnection, replica: String) {
    self.connection = connection
    self.replica = replica
  }

  /// Takes the lead when nobody has it. Returns whether this replica leads, and the latest shared prices.
  public func tryToLead() async throws -> (isLeader: Bool, latest: PriceSnapshot?) {
    let script = """
      local owner = redis.call('GET', KEYS[1])
      if not owner then
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        owner = ARGV[1]
      end
      return {owner, redis.call('GET', KEYS[2]) or ''}
      """
    let reply = try await connection.command(
      ["EVAL", script, "2", Self.leadKey, Self.snapshotKey, replica, String(Self.leadDuration.wholeMilliseconds)])
    guard case .array(let parts) = reply, parts.count == 2 else { return (false, nil) }
    return (parts[0].text == replica, parts[1].text.flatMap { Self.decode($0) })
  }

  /// Stores and publishes a snapshot, and extends the lead. False, and nothing is published, when another
  /// replica leads by now: the check and the publication are one script.
  public func publish(_ snapshot: PriceSnapshot) async throws -> Bool {
    let script = """
      if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
      redis.call('PEXPIRE', KEYS[1], ARGV[2])
      redis.call('SET', KEYS[2], ARGV[3])
      redis.call('PUBLISH', ARGV[4], ARGV[3])
      return 1
      """
    let reply = try await connection.command(
      [
        "EVAL", script, "2", Self.leadKey, Self.snapshotKey, replica, String(Self.leadDuration.wholeMilliseconds),
        try Self.encode(snapshot), Self.channel,
      ])
    return reply == .integer(1)
  }

  /// Gives the lead up, so that another replica need not wait for it to expire.
  public func resign() async throws {
    let script = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"
    try await connection.command(["EVAL", script, "1", Self.leadKey, replica])
  }

  static func encode(_ snapshot: PriceSnapshot) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(snapshot), as: UTF8.self)
  }

  static func decode(_ text: String) -> PriceSnapshot? {
    try? JSONDecoder().decode(PriceSnapshot.self, from: Data(text.utf8))
  }
}

/// Receives the prices that the leading replica publishes.
public struct PriceSubscription: Sendable {
  private let settings: RedisSettings

  public init(settings: RedisSettings) { self.settings = settings }

  /// Calls `receive` for each published snapshot until the task is cancelled. Reconnects by itself; what is
  /// published meanwhile is not missed for long, since every snapshot is whole.
  public func run(_ receive: @Sendable (PriceSnapshot) -> Void) async {
    var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(2))
    while !Task.isCancelled {
      let connection = RedisConnection()
      do {
        try await connection.open(settings)
        try await connection.command(["SUBSCRIBE", PriceExchange.channel])
        backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(2))
        while !Task.isCancelled {
          guard let text = try await connection.nextMessage(within: .milliseconds(200)) else { continue }
          if let snapshot = PriceExchange.decode(text) { receive(snapshot) }
        }
      } catch {
        // The feed, which has its own connection, tells about the loss; here it is only waited out.
        try? await Task.sleep(for: backoff.next())
      }
      await connection.close()
    }
  }
}
