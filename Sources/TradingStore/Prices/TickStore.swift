public import TradingCore

/// A quote and its time.
public struct RecordedTick: Sendable, Hashable {
  public let quote: Quote
  public let time: Timestamp

  public init(_ quote: Quote, at time: Timestamp) {
    self.quote = quote
    self.time = time
  }
}

/// Keeps ticks, and candles of a minute made from them.
public struct TickStore: Sendable {
  /// Days that ticks are kept for.
  public static let tickDays = 7

  private let reads: RepeatedReads

  /// - Parameter pool: for writing not the one that trading uses, which must not wait behind ticks.
  public init(pool: PostgresPool) { reads = RepeatedReads(pool: pool) }

  /// Stores ticks in one statement. Those that are there already are left out, so it may be repeated, and several
  /// replicas may store what all of them have heard.
  ///
  /// - Throws: `DeskError.unavailable`.
  public func append(_ ticks: [RecordedTick], deadline: ContinuousClock.Instant) async throws(DeskError) {
    let parameters = [
      PostgresArray.text(of: ticks.map(\.quote.symbol.name)), PostgresArray.text(of: ticks.map(\.time.milliseconds)),
      PostgresArray.text(of: ticks.map(\.quote.bid.points)), PostgresArray.text(of: ticks.map(\.quote.ask.points)),
    ]
    _ = try await reads.run(deadline: deadline) { connection in
      try connection.query(
        """
        WITH new AS (
          INSERT INTO ticks (symbol, time, bid, ask)
          SELECT symbol, to_timestamp(milliseconds / 1000.0), bid, ask
          FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS t(symbol, milliseconds, bid, ask)
          ON CONFLICT DO NOTHING RETURNING symbol, time, bid
        ), bars AS (
          SELECT symbol, date_trunc('minute', time) AS start, (array_agg(bid ORDER BY time))[1] AS open,
            max(bid) AS high, min(bid) AS low, (array_agg(bid ORDER BY time DESC))[1] AS close, count(*) AS volume
          FROM new GROUP BY 1, 2
        )
        INSERT INTO candles AS c (symbol, start, open, high, low, close, volume)
        SELECT symbol, start, open, high, low, close, volume FROM bars ORDER BY symbol, start
        ON CONFLICT (symbol, start) DO UPDATE SET high = greatest(c.high, excluded.high),
          low = least(c.low, excluded.low), close = excluded.close, volume = c.volume + excluded.volume
        """, parameters, deadline: deadline)
    }
  }

  /// The next stored ticks of `symbols` in `after..<=through`, oldest first: those of `span` milliseconds from the first
  /// of them on, so that holes of any length cost one look. Empty when there are no more.
  ///
  /// - Throws: `DeskError.unavailable`.
  public func ticks(
    of symbols: [Symbol], after: Timestamp, through: Timestamp, span: Int64, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> [RecordedTick] {
    try await read(
      """
      WITH first AS (
        SELECT min(t.time) AS time FROM unnest($1::text[]) AS s(symbol) CROSS JOIN LATERAL (
          SELECT time FROM ticks WHERE symbol = s.symbol AND time > to_timestamp($2::bigint / 1000.0)
          ORDER BY time LIMIT 1) t
      )
      SELECT t.symbol, (extract(epoch FROM t.time) * 1000)::bigint, t.bid, t.ask
      FROM first CROSS JOIN ticks t
      WHERE t.symbol = ANY($1::text[]) AND t.time >= first.time AND t.time <= to_timestamp($3::bigint / 1000.0)
        AND t.time < first.time + make_interval(secs => $4::bigint / 1000.0)
      ORDER BY t.time, t.symbol
      """,
      [
        PostgresArray.text(of: symbols.map(\.name)), String(after.milliseconds), String(through.milliseconds),
        String(span),
      ], deadline)
  }

  /// The stored quotes of `symbols` as they were at `time`, each with the time of its last change.
  ///
  /// - Throws: `DeskError.unavailable`.
  public func quotes(
    of symbols: [Symbol], at time: Timestamp, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> [RecordedTick] {
    try await read(
      """
      SELECT s.symbol, (extract(epoch FROM t.time) * 1000)::bigint, t.bid, t.ask
      FROM unnest($1::text[]) AS s(symbol) CROSS JOIN LATERAL (
        SELECT time, bid, ask FROM ticks WHERE symbol = s.symbol AND time <= to_timestamp($2::bigint / 1000.0)
        ORDER BY time DESC LIMIT 1) t
      """, [PostgresArray.text(of: symbols.map(\.name)), String(time.milliseconds)], deadline)
  }

  private func read(
    _ sql: String, _ parameters: [String], _ deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> [RecordedTick] {
    let rows = try await reads.run(deadline: deadline) { connection in
      try connection.query(sql, parameters, deadline: deadline).rows
    }
    return rows.compactMap { row in
      let numbers = row.dropFirst().compactMap { $0.flatMap { Int64($0) } }
      guard let symbol = row[0], numbers.count == 3 else { return nil }
      let quote = Quote(symbol: Symbol(symbol), bid: Price(points: numbers[1]), ask: Price(points: numbers[2]))
      return RecordedTick(quote, at: Timestamp(milliseconds: numbers[0]))
    }
  }

  /// Makes room for the next two days and drops what is older than it has to be kept. To be called at the start and then
  /// every few hours.
  ///
  /// - Throws: `DeskError.unavailable`.
  public func maintain(
    tickDays: Int = tickDays, candleDays: Int = 1_100, deadline: ContinuousClock.Instant
  ) async throws(DeskError) {
    _ = try await reads.run(deadline: deadline) { connection in
      try connection.query(
        "SELECT maintain_ticks($1::int, $2::int)", [String(tickDays), String(candleDays)], deadline: deadline)
    }
  }
}
