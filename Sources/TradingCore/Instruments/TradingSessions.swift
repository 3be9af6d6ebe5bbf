/// A day of the week, numbered as in MetaTrader 5's ENUM_DAY_OF_WEEK.
public enum Weekday: Int, Sendable, Hashable, CaseIterable {
  case sunday, monday, tuesday, wednesday, thursday, friday, saturday
}

extension Timestamp {
  /// Whole minutes since Sunday 00:00 UTC, 0 to 10,079.
  public var minuteOfWeek: Int {
    // 1970-01-01 was a Thursday, the fifth day of a week that starts on Sunday.
    let minutes = Self.floorDivide(milliseconds, 60_000)
    return Int(Self.floorModulo(minutes + 4 * 1_440, 7 * 1_440))
  }

  /// The day of the week in UTC.
  public var weekday: Weekday { Weekday(rawValue: minuteOfWeek / 1_440) ?? .sunday }
}

/// When an instrument is traded, the same every week.
public struct TradingSessions: Sendable, Hashable {
  /// Half-open ranges of minutes since Sunday 00:00 UTC.
  public let ranges: [Range<Int>]

  public init(_ ranges: [Range<Int>]) { self.ranges = ranges }

  /// Never closed: crypto, and the simulated feed.
  public static let always = TradingSessions([0..<10_080])

  /// Sunday 22:00 to Friday 22:00 UTC, the week of spot currencies in New York's winter time.
  public static let forexWeek = TradingSessions([1_320..<(5 * 1_440 + 1_320)])

  /// Whether orders are filled and triggers evaluated at `time`.
  public func isOpen(at time: Timestamp) -> Bool {
    let minute = time.minuteOfWeek
    return ranges.contains { $0.contains(minute) }
  }
}

/// What holding a position over night costs or earns.
public struct SwapRates: Sendable, Hashable {
  /// Hundredths of a point a lot and night that a buyer receives; negative when the buyer pays.
  public let longHundredths: Int64
  /// The same for a seller.
  public let shortHundredths: Int64
  /// The day that counts for three nights, because its settlement spans the weekend (Wednesday for spot currencies).
  public let tripleDay: Weekday

  public init(longHundredths: Int64, shortHundredths: Int64, tripleDay: Weekday = .wednesday) {
    self.longHundredths = longHundredths
    self.shortHundredths = shortHundredths
    self.tripleDay = tripleDay
  }

  public static let none = SwapRates(longHundredths: 0, shortHundredths: 0)

  /// Nights charged by the rollover of `day`: 3 on the triple day, none on Saturday and Sunday, 1 otherwise
  /// (MetaTrader 5's SYMBOL_SWAP_ROLLOVER3DAYS).
  public func nights(on day: Weekday) -> Int64 {
    if day == .saturday || day == .sunday { return 0 }
    return day == tripleDay ? 3 : 1
  }
}
