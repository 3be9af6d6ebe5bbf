import FoundationEssentials
import KubernetesModels
import Synchronization

/// How far a place's clocks are from UTC, by the IANA time zone database of the machine (RFC 9636, TZif).
///
/// Foundation's own would bring ICU's thirty megabytes with it for this one question.
struct TimeZoneRules: Sendable, Hashable {
  /// When the clocks changed; after the last of them `rule` holds, where there is one.
  private var moments: [Int64] = []
  /// Seconds east of UTC from each moment on.
  private var offsets: [Int] = []
  /// Before the first moment.
  private var first = 0
  private var rule: DaylightRule?

  static let utc = TimeZoneRules()

  private static let known = Mutex<[String: TimeZoneRules]>([:])

  private init() {}

  /// - Parameter name: as in `Europe/Zurich`.
  /// - Returns: Nil when the machine's database has no such zone, or there is no database.
  static func named(_ name: String, folder: String = "/usr/share/zoneinfo") -> TimeZoneRules? {
    if name == "UTC" { return .utc }
    // The schema admits no name that leads out of the folder; a file that is no zone is refused by its first bytes.
    let path = "\(folder)/\(name)"
    if let rules = known.withLock({ $0[path] }) { return rules }
    guard !name.contains(".."), let file = try? Data(contentsOf: URL(filePath: path)),
      let rules = TimeZoneRules(file: Array(file))
    else { return nil }
    known.withLock { $0[path] = rules }
    return rules
  }

  /// Seconds east of UTC.
  func offset(at time: Int64) -> Int {
    if let rule, moments.last.map({ time >= $0 }) ?? true { return rule.offset(at: time) }
    // The last moment that is not later.
    var (low, high) = (0, moments.count)
    while low < high {
      let middle = (low + high) / 2
      if moments[middle] <= time { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? first : offsets[low - 1]
  }

  // MARK: The file

  /// Nil when it is not a file of version 2 or newer, or is cut off.
  init?(file: [UInt8]) {
    var reader = Reader(bytes: file[...])
    // A first block for readers of 32 bits, then the same again with 64.
    guard let old = reader.header(), old.version >= 2, reader.skip(old.size(ofTime: 4)), let header = reader.header()
    else { return nil }
    for _ in 0..<header.times {
      guard let moment = reader.integer(8) else { return nil }
      moments.append(moment)
    }
    guard let places = reader.take(header.times) else { return nil }
    var types: [Int] = []
    for _ in 0..<header.types {
      guard let offset = reader.integer(4), reader.skip(2) else { return nil }
      types.append(Int(offset))
    }
    guard let initial = types.first, places.allSatisfy({ Int($0) < types.count }) else { return nil }
    first = initial
    offsets = places.map { types[Int($0)] }
    guard reader.skip(header.characters + header.leaps * 12 + header.standards + header.universals) else { return nil }
    rule = DaylightRule(String(decoding: reader.bytes.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
  }

  private struct Header {
    let version: Int
    let universals, standards, leaps, times, types, characters: Int

    func size(ofTime bytes: Int) -> Int {
      times * (bytes + 1) + types * 6 + characters + leaps * (bytes + 4) + standards + universals
    }
  }

  private struct Reader {
    var bytes: ArraySlice<UInt8>

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
      guard count >= 0, count <= bytes.count else { return nil }
      defer { bytes = bytes.dropFirst(count) }
      return bytes.prefix(count)
    }

    mutating func skip(_ count: Int) -> Bool { take(count) != nil }

    /// Big-endian and signed.
    mutating func integer(_ size: Int) -> Int64? {
      guard let part = take(size), let top = part.first else { return nil }
      return part.reduce(top >= 128 ? -1 : 0) { $0 << 8 | Int64($1) }
    }

    mutating func header() -> Header? {
      guard take(4).map({ Array($0) == Array("TZif".utf8) }) == true, let version = take(1)?.first, skip(15) else {
        return nil
      }
      var counts: [Int] = []
      for _ in 0..<6 {
        guard let count = integer(4), count >= 0, count < 1 << 20 else { return nil }
        counts.append(Int(count))
      }
      return Header(
        version: version == 0 ? 1 : Int(version) - 48, universals: counts[0], standards: counts[1], leaps: counts[2],
        times: counts[3], types: counts[4], characters: counts[5])
    }
  }
}

/// The years after the last listed moment, as a TZ string tells them (POSIX.1-2017, 8.3, with RFC 9636's longer times).
struct DaylightRule: Sendable, Hashable {
  /// A day of the year and seconds after its midnight.
  private struct Change: Hashable {
    enum Day: Hashable {
      /// The week's day (0 is Sunday) in a week of a month; week 5 is the last.
      case week(month: Int, week: Int, day: Int)
      /// From 1, without 29 February.
      case julian(Int)
      /// From 0, with 29 February.
      case ordinal(Int)
    }

    var day: Day
    var seconds = 7_200
  }

  private let standard: Int
  private var daylight: (offset: Int, from: Change, to: Change)?

  static func == (left: DaylightRule, right: DaylightRule) -> Bool {
    left.standard == right.standard && left.daylight?.offset == right.daylight?.offset
      && left.daylight?.from == right.daylight?.from && left.daylight?.to == right.daylight?.to
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(standard)
    hasher.combine(daylight?.offset)
  }

  /// Nil for an empty string, and for one that is not understood.
  init?(_ text: String) {
    var parser = Parser(rest: text[...])
    guard parser.name(), let west = parser.time() else { return nil }
    standard = -west
    if parser.rest.isEmpty { return }
    guard parser.name() else { return nil }
    var offset = standard + 3_600
    if parser.rest.first != "," {
      guard let west = parser.time() else { return nil }
      offset = -west
    }
    guard let from = parser.change(), let to = parser.change(), parser.rest.isEmpty else { return nil }
    daylight = (offset, from, to)
  }

  /// Seconds east of UTC.
  func offset(at time: Int64) -> Int {
    guard let daylight else { return standard }
    let today = RFC3339.floorDivide(time + Int64(standard), 86_400)
    let year = RFC3339.civilDate(daysSinceEpoch: today).year
    let start = Self.moment(daylight.from, year) - Int64(standard)
    let end = Self.moment(daylight.to, year) - Int64(daylight.offset)
    let isDaylight = start < end ? time >= start && time < end : time >= start || time < end
    return isDaylight ? daylight.offset : standard
  }

  /// Of the local clock, in seconds since 1970.
  private static func moment(_ change: Change, _ year: Int64) -> Int64 {
    let day: Int64
    func first(_ month: Int) -> Int64 {
      RFC3339.daysSinceEpoch(year: month > 12 ? year + 1 : year, month: Int64(month > 12 ? 1 : month), day: 1)
    }
    switch change.day {
    case .week(let month, let week, let weekday):
      let (start, next) = (first(month), first(month + 1))
      // 1 January 1970 was a Thursday.
      let ahead = (Int64(weekday) - (start + 4) % 7 + 14) % 7
      var found = start + ahead + Int64(week - 1) * 7
      while found >= next { found -= 7 }
      day = found
    case .julian(let number):
      let isLeap = first(3) - first(2) == 29
      day = first(1) + Int64(number - 1) + (isLeap && number >= 60 ? 1 : 0)
    case .ordinal(let number): day = first(1) + Int64(number)
    }
    return day * 86_400 + Int64(change.seconds)
  }

  private struct Parser {
    var rest: Substring

    mutating func name() -> Bool {
      if rest.first == "<" {
        guard let end = rest.firstIndex(of: ">") else { return false }
        rest = rest[rest.index(after: end)...]
        return true
      }
      let name = rest.prefix { $0.isASCII && $0.isLetter }
      rest.removeFirst(name.count)
      return name.count >= 3
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time() -> Int? {
      let sign = rest.first == "-" ? -1 : 1
      if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
      guard var seconds = number().map({ $0 * 3_600 }) else { return nil }
      for unit in [60, 1] where rest.first == ":" {
        rest.removeFirst()
        guard let part = number() else { return nil }
        seconds += part * unit
      }
      return sign * seconds
    }

    /// `,Mm.w.d[/time]`, `,Jn[/time]` or `,n[/time]`.
    mutating func change() -> Change? {
      guard rest.popFirst() == "," else { return nil }
      var change: Change
      switch rest.first {
      case "M":
        rest.removeFirst()
        guard let month = number(), rest.popFirst() == ".", let week = number(), rest.popFirst() == ".",
          let day = number(), (1...12).contains(month), (1...5).contains(week), (0...6).contains(day)
        else { return nil }
        change = Change(day: .week(month: month, week: week, day: day))
      case "J":
        rest.removeFirst()
        guard let number = number() else { return nil }
        change = Change(day: .julian(number))
      default:
        guard let number = number() else { return nil }
        change = Change(day: .ordinal(number))
      }
      if rest.first == "/" {
        rest.removeFirst()
        guard let seconds = time() else { return nil }
        change.seconds = seconds
      }
      return change
    }

    private mutating func number() -> Int? {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest.removeFirst(digits.count)
      return digits.count <= 3 ? Int(digits) : nil
    }
  }
}
