public import TradingCore

/// The right to evaluate the accounts of a shard.
public struct EvaluatorLease: Sendable, Hashable {
  public let shard: Int
  /// Grows with each holder, so that what an old holder still writes is refused.
  public let epoch: Int64

  public init(shard: Int, epoch: Int64) {
    self.shard = shard
    self.epoch = epoch
  }
}

/// Rows of evaluator_shards, each with an epoch and an expiry by the database's clock.
public struct EvaluatorLeases: Sendable {
  /// Fixed with the schema: accounts carry the number of their shard.
  public static let shardCount = 16

  /// The shard that an account belongs to, the same in every process.
  public static func shard(of accountId: String) -> Int { Int(stableHash(accountId) % UInt64(shardCount)) }

  private let reads: RepeatedReads
  private let holder: String
  private let duration: Duration

  /// - Parameters:
  ///   - holder: unique among all processes that ever ran, so that a restarted one does not take its own old lease over
  ///     without a new epoch.
  ///   - duration: how long a lease holds when it is not renewed.
  public init(pool: PostgresPool, holder: String, duration: Duration = .milliseconds(1_200)) {
    reads = RepeatedReads(pool: pool)
    self.holder = holder
    self.duration = duration
  }

  // A free row that someone else is taking at this moment, or that an old holder is still writing under, is skipped. A
  // renewal does not wait for a group that is being written under the lease: that one holds FOR KEY SHARE only. The first
  // holder of all begins now, so that a successor knows since when prices count even if this one never renews.
  private static let acquisition = PreparedStatement(
    name: "acquire_leases",
    sql: """
      WITH marks AS (SELECT * FROM unnest($3::int[], $4::bigint[]) AS m(shard, watermark)),
      renewed AS (
        UPDATE evaluator_shards e SET expires = clock_timestamp() + make_interval(secs => $2::bigint / 1000.0),
          watermark = GREATEST(e.watermark, (SELECT m.watermark FROM marks m WHERE m.shard = e.shard))
        WHERE e.holder = $1 AND e.expires > now() RETURNING e.shard, e.epoch, e.watermark
      ), free AS MATERIALIZED (
        SELECT shard FROM evaluator_shards WHERE holder IS NULL OR expires <= now()
        ORDER BY shard FOR UPDATE SKIP LOCKED
      ), taken AS (
        UPDATE evaluator_shards e SET epoch = e.epoch + 1, holder = $1,
          expires = clock_timestamp() + make_interval(secs => $2::bigint / 1000.0),
          watermark = coalesce(e.watermark, (extract(epoch FROM now()) * 1000)::bigint)
        FROM free WHERE e.shard = free.shard RETURNING e.shard, e.epoch, e.watermark
      )
      SELECT shard, epoch, watermark FROM renewed UNION ALL SELECT shard, epoch, watermark FROM taken
      """)

  private static let giving = PreparedStatement(
    name: "release_leases",
    sql: """
      UPDATE evaluator_shards e SET holder = NULL, watermark = GREATEST(e.watermark, m.watermark)
      FROM evaluator_shards s LEFT JOIN unnest($2::int[], $3::bigint[]) AS m(shard, watermark) ON m.shard = s.shard
      WHERE e.shard = s.shard AND e.holder = $1
      """)

  /// Takes every shard that is free or expired and renews those held.
  ///
  /// - Parameter watermarks: for shards held, the time up to which they were evaluated. They are stored for a successor.
  /// - Returns: what is held now, and how far each was evaluated by whoever held it before; now when nobody ever did.
  public func acquireAndRenew(
    watermarks: [Int: Timestamp], deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> [(lease: EvaluatorLease, watermark: Timestamp?)] {
    let parameters = [holder, String(duration.wholeMilliseconds)] + Self.arrays(watermarks)
    // Repeating it is harmless: what a lost answer took is this holder's.
    let rows = try await reads.run(deadline: deadline) { connection in
      try connection.query(Self.acquisition, parameters, deadline: deadline)
    }
    return rows.rows.compactMap { row -> (lease: EvaluatorLease, watermark: Timestamp?)? in
      guard let shard = row[0].flatMap({ Int($0) }), let epoch = row[1].flatMap({ Int64($0) }) else { return nil }
      let watermark = row[2].flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) }
      return (EvaluatorLease(shard: shard, epoch: epoch), watermark)
    }.sorted { $0.lease.shard < $1.lease.shard }
  }

  /// Gives everything back on a graceful stop, so that nobody waits for the expiry.
  public func release(
    watermarks: [Int: Timestamp] = [:], deadline: ContinuousClock.Instant
  ) async throws(DeskError) {
    let parameters = [holder] + Self.arrays(watermarks)
    _ = try await reads.run(deadline: deadline) { connection in
      try connection.query(Self.giving, parameters, deadline: deadline)
    }
  }

  private static func arrays(_ watermarks: [Int: Timestamp]) -> [String] {
    let marks = watermarks.sorted { $0.key < $1.key }
    return [
      PostgresArray.text(of: marks.map { Int64($0.key) }), PostgresArray.text(of: marks.map(\.value.milliseconds)),
    ]
  }
}
