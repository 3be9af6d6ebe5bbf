import TradingCore

/// The daily moments over which trades are held: 22:00 UTC, 17:00 in New York's winter, when spot currencies roll over.
enum Rollovers {
  private static let day: Int64 = 86_400_000
  private static let offset: Int64 = 22 * 3_600_000
  /// Days that are made up for at most, when nobody charged for long.
  private static let reach: Int64 = 30

  /// The last one at or before `time`.
  static func last(at time: Timestamp) -> Timestamp {
    let since = time.milliseconds - offset
    return Timestamp(milliseconds: (since - ((since % day) + day) % day) + offset)
  }

  /// Those that an account with open trades was not charged for by `time`, oldest first.
  static func due(_ account: Account, at time: Timestamp) -> [Timestamp] {
    guard let opened = account.trades.values.map(\.openTime).min() else { return [] }
    let newest = last(at: time)
    var due: [Timestamp] = []
    for back in 0..<reach {
      let rollover = Timestamp(milliseconds: newest.milliseconds - back * day)
      if rollover <= opened || rollover <= account.lastRollover ?? opened { break }
      due.append(rollover)
    }
    return due.reversed()
  }
}
