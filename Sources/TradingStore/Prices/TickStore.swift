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
  private let reads: RepeatedReads

  /// - Parameter pool: not the one that trading uses, which must not wait behind ticks.
  public init(pool: PostgresPool) { reads = RepeatedReads(pool: pool) }

  /// Stores ticks in one statement. Those that are there already are left out, so it may be repeated.
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

  /// Makes room for the next two days and drops what is older than it has to be kept. To be called at the start and then
  /// every few hours.
  ///
  /// - Throws: `DeskError.unavailable`.
  public func maintain(
    tickDays: Int = 7, candleDays: Int = 1_100, deadline: ContinuousClock.Instant
  ) async throws(DeskError) {
    _ = try await reads.run(deadline: deadline) { connection in
      try connection.query(
        "SELECT maintain_ticks($1::int, $2::int)", [String(tickDays), String(candleDays)], deadline: deadline)
    }
  }
}
