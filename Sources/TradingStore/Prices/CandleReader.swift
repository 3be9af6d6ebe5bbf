public import TradingCore

/// How much time a candle spans (OANDA v20, CandlestickGranularity). Candles begin at whole multiples since 1970 in UTC.
public enum CandleGranularity: String, Sendable, Hashable, CaseIterable {
  case M1, M5, M15, M30, H1, H4, D

  public var seconds: Int64 {
    switch self {
    case .M1: 60
    case .M5: 300
    case .M15: 900
    case .M30: 1_800
    case .H1: 3_600
    case .H4: 14_400
    case .D: 86_400
    }
  }
}

/// The bids of a span of time.
public struct Candle: Sendable, Hashable {
  /// When the span begins.
  public let time: Timestamp
  public let open: Price
  public let high: Price
  public let low: Price
  public let close: Price
  /// Ticks that changed the quote.
  public let volume: Int64
}

/// Reads candles.
public struct CandleReader: Sendable {
  private let reads: RepeatedReads

  public init(pool: PostgresPool) { reads = RepeatedReads(pool: pool) }

  /// The candles of `symbol` that begin in `from..<to`, oldest first; spans without a tick have none.
  ///
  /// - Parameters:
  ///   - from: nil for as many as `count` back from `to`.
  ///   - to: nil for now.
  ///   - count: at most so many: the first ones when `from` is given, the last ones otherwise.
  /// - Throws: `DeskError.unavailable`.
  public func candles(
    symbol: Symbol, granularity: CandleGranularity, from: Timestamp? = nil, to: Timestamp? = nil, count: Int = 500,
    deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> [Candle] {
    let span = granularity.seconds
    let end = to.map { $0.milliseconds } ?? Int64.max
    // Without a beginning, holes such as weekends are looked past, though not for ever.
    let parameters = [
      symbol.name, String(span), from.map { String($0.milliseconds) }, end == .max ? nil : String(end), String(count),
      String(Int64(count) * span * 3 + 4 * 86_400),
    ]
    let order = from == nil ? "DESC" : "ASC"
    let rows = try await reads.run(deadline: deadline) { connection in
      try connection.query(
        """
        SELECT floor(extract(epoch FROM start) / $2::bigint)::bigint * $2::bigint AS span,
          (array_agg(open ORDER BY start))[1], max(high), min(low), (array_agg(close ORDER BY start DESC))[1],
          sum(volume)
        FROM candles WHERE symbol = $1
          AND start < coalesce(to_timestamp($4::bigint / 1000.0), now() + interval '1 minute')
          AND start >= coalesce(
            to_timestamp($3::bigint / 1000.0),
            coalesce(to_timestamp($4::bigint / 1000.0), now()) - make_interval(secs => $6::bigint))
        GROUP BY 1 ORDER BY 1 \(order) LIMIT $5::int
        """, parameters, deadline: deadline
      ).rows
    }
    let candles = rows.compactMap { row -> Candle? in
      let numbers = row.compactMap { $0.flatMap { Int64($0) } }
      guard numbers.count == 6 else { return nil }
      return Candle(
        time: Timestamp(milliseconds: numbers[0] * 1_000), open: Price(points: numbers[1]),
        high: Price(points: numbers[2]), low: Price(points: numbers[3]), close: Price(points: numbers[4]),
        volume: numbers[5])
    }
    return from == nil ? candles.reversed() : candles
  }
}
