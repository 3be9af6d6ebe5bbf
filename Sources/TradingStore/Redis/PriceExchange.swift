import FoundationEssentials
public import TradingCore

/// How far prices have come: a step of the feed and its time.
public struct PriceMark: Sendable, Hashable {
  public let sequence: Int64
  public let time: Timestamp

  public init(sequence: Int64, time: Timestamp) {
    self.sequence = sequence
    self.time = time
  }
}

/// Shares prices between replicas through Redis: one replica holds the lead and publishes, all others follow.
///
/// Redis keeps a mark that no published snapshot may be behind. A replica that made prices of its own while Redis was away
/// raises it when it joins, so that what it showed meanwhile is followed by something newer, never by something older.
public struct PriceExchange: Sendable {
  /// The keys share a hash tag, so that a script may use them together on a Redis cluster.
  static let leadKey = "{rtx}:price-lead"
  /// A hash: `text` is the newest snapshot, `sequence` and `time` are the mark.
  static let pricesKey = "{rtx}:prices"
  /// A list of the newest snapshots, oldest first.
  static let recentKey = "{rtx}:recent-prices"
  static let channel = "{rtx}:ticks"
  /// Ten seconds of a fast feed.
  static let recentCount = 256

  /// The lead expires after this time without a publication, so that another replica takes over.
  public static let leadDuration: Duration = .seconds(3)

  /// Milliseconds that a replica's clock may be ahead of Redis's. A later time is not taken over: one wrong clock must not
  /// drag the prices of all others into the future.
  static let clockTolerance: Int64 = 2_000

  /// What joining found.
  public struct Standing: Sendable, Hashable {
    public let isLeader: Bool
    /// The newest shared prices.
    public let latest: PriceSnapshot?
    /// What the leader's next snapshot has to be beyond.
    public let mark: PriceMark
  }

  /// What became of a snapshot.
  public enum Publication: Sendable, Hashable {
    case published
    /// Another replica leads by now.
    case notLeading
    /// A replica that joined has shown newer prices than this; go on from there.
    case behind(PriceMark)
  }

  private let connection: RedisConnection
  private let replica: String

  /// - Parameters:
  ///   - connection: open, and used for nothing else.
  ///   - replica: unique among the replicas.
  public init(connection: RedisConnection, replica: String) {
    self.connection = connection
    self.replica = replica
  }

  /// Takes the lead when nobody has it.
  ///
  /// - Parameter shown: how far this replica's own prices have come.
  public func join(shown: PriceMark?) async throws -> Standing {
    let script = """
      local owner = redis.call('GET', KEYS[1])
      if not owner then
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        owner = ARGV[1]
      end
      local mark = redis.call('HMGET', KEYS[2], 'sequence', 'time', 'text')
      local sequence, time = tonumber(mark[1] or -1), tonumber(mark[2] or 0)
      local clock = redis.call('TIME')
      if tonumber(ARGV[3]) > sequence then sequence = tonumber(ARGV[3]) end
      if tonumber(ARGV[4]) > time and tonumber(ARGV[4]) <= clock[1] * 1000 + clock[2] / 1000 + tonumber(ARGV[5]) then
        time = tonumber(ARGV[4])
      end
      local result = {owner, mark[3] or '', string.format('%.0f', sequence), string.format('%.0f', time)}
      redis.call('HSET', KEYS[2], 'sequence', result[3], 'time', result[4])
      return result
      """
    let reply = try await connection.command(
      [
        "EVAL", script, "2", Self.leadKey, Self.pricesKey, replica, String(Self.leadDuration.wholeMilliseconds),
        String(shown?.sequence ?? -1), String(shown?.time.milliseconds ?? 0), String(Self.clockTolerance),
      ])
    guard case .array(let parts) = reply, parts.count == 4, let mark = Self.mark(parts[2], parts[3]) else {
      throw RedisError.refused("an answer that was not expected: \(reply)")
    }
    return Standing(
      isLeader: parts[0].text == replica, latest: parts[1].text.flatMap { Self.decode($0) }, mark: mark)
  }

  /// Stores and publishes a snapshot, and extends the lead. The checks and the publication are one script.
  public func publish(_ snapshot: PriceSnapshot) async throws -> Publication {
    let script = """
      if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
      redis.call('PEXPIRE', KEYS[1], ARGV[2])
      local mark = redis.call('HMGET', KEYS[2], 'sequence', 'time')
      if tonumber(ARGV[3]) <= tonumber(mark[1] or -1) or tonumber(ARGV[4]) <= tonumber(mark[2] or 0) then return mark end
      redis.call('HSET', KEYS[2], 'sequence', ARGV[3], 'time', ARGV[4], 'text', ARGV[5])
      redis.call('RPUSH', KEYS[3], ARGV[5])
      redis.call('LTRIM', KEYS[3], -ARGV[7], -1)
      redis.call('PUBLISH', ARGV[6], ARGV[5])
      return 1
      """
    let reply = try await connection.command(
      [
        "EVAL", script, "3", Self.leadKey, Self.pricesKey, Self.recentKey, replica,
        String(Self.leadDuration.wholeMilliseconds), String(snapshot.sequence), String(snapshot.time.milliseconds),
        try Self.encode(snapshot), Self.channel, String(Self.recentCount),
      ])
    switch reply {
    case .integer(1): return .published
    case .array(let parts) where parts.count == 2:
      guard let mark = Self.mark(parts[0], parts[1]) else { return .notLeading }
      return .behind(mark)
    default: return .notLeading
    }
  }

  /// The newest snapshots that were published, oldest first.
  public func recent() async throws -> [PriceSnapshot] {
    guard case .array(let texts) = try await connection.command(["LRANGE", Self.recentKey, "0", "-1"]) else {
      return []
    }
    return texts.compactMap { $0.text.flatMap { Self.decode($0) } }
  }

  /// Extends the lead without a publication. False when another replica leads by now.
  public func keepLead() async throws -> Bool {
    let script =
      "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('PEXPIRE', KEYS[1], ARGV[2])"
    return try await connection.command(
      ["EVAL", script, "1", Self.leadKey, replica, String(Self.leadDuration.wholeMilliseconds)]) == .integer(1)
  }

  /// Gives the lead up, so that another replica need not wait for it to expire.
  public func resign() async throws {
    let script = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"
    try await connection.command(["EVAL", script, "1", Self.leadKey, replica])
  }

  private static func mark(_ sequence: RedisValue, _ time: RedisValue) -> PriceMark? {
    guard let sequence = sequence.text.flatMap({ Int64($0) }), let time = time.text.flatMap({ Int64($0) }) else {
      return nil
    }
    return PriceMark(sequence: sequence, time: Timestamp(milliseconds: time))
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
