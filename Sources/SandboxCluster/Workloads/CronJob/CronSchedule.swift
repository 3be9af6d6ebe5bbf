/// A cron expression as CronJob's `spec.schedule` takes it: five fields, names, ranges, steps, lists, and macros.
///
/// When both the day of month and the day of week are restricted, either may match, as in Vixie cron.
struct CronSchedule: Equatable, Sendable {
  private enum Kind: Equatable {
    case fields(minutes: Set<Int>, hours: Set<Int>, days: Set<Int>, months: Set<Int>, weekdays: Set<Int>)
    case every(seconds: Int64)
  }

  struct ParseError: Error, Equatable, CustomStringConvertible {
    var expression: String
    var reason: String
    var description: String { "cron schedule \"\(expression)\": \(reason)" }
  }

  private let kind: Kind
  private let anyDay: Bool
  private let anyWeekday: Bool

  private static let macros = [
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
  ]

  /// - Throws: `ParseError` that names the field and what it may be.
  init(parsing text: String) throws(ParseError) {
    let text = String(text.split(whereSeparator: \.isWhitespace).joined(separator: " "))
    if text.hasPrefix("@every ") {
      guard let seconds = Self.seconds(String(text.dropFirst(7))), seconds > 0 else {
        throw ParseError(expression: text, reason: "@every needs a duration such as 90s, 5m or 1h30m")
      }
      (kind, anyDay, anyWeekday) = (.every(seconds: seconds), true, true)
      return
    }
    guard !text.hasPrefix("TZ="), !text.hasPrefix("CRON_TZ=") else {
      throw ParseError(expression: text, reason: "no time zone here; set spec.timeZone")
    }
    guard let expanded = text.hasPrefix("@") ? Self.macros[text] : text else {
      throw ParseError(
        expression: text, reason: "unknown macro; known: \(Self.macros.keys.sorted()), @every <duration>")
    }
    let parts = expanded.split(separator: " ").map(String.init)
    guard parts.count == 5 else {
      throw ParseError(
        expression: text, reason: "\(parts.count) fields; five are wanted: minute hour day-of-month month day-of-week")
    }
    func field(_ index: Int, _ field: CronField) throws(ParseError) -> CronField.Match {
      do {
        return try field.parse(parts[index])
      } catch {
        throw ParseError(expression: text, reason: error.reason)
      }
    }
    let days = try field(2, .day)
    let weekdays = try field(4, .weekday)
    kind = .fields(
      minutes: try field(0, .minute).values, hours: try field(1, .hour).values, days: days.values,
      months: try field(3, .month).values, weekdays: weekdays.values)
    anyDay = days.isAny
    anyWeekday = weekdays.isAny
  }

  /// The first time after `epochSeconds` (UTC) that matches; nil when none does within five years (30 February).
  func next(after epochSeconds: Int64) -> Int64? {
    guard case .fields(let minutes, let hours, _, _, _) = kind else {
      if case .every(let seconds) = kind { return epochSeconds + seconds }
      return nil
    }
    let firstMinute = epochSeconds - epochSeconds % 60 + 60
    let sortedHours = hours.sorted()
    let sortedMinutes = minutes.sorted()
    let firstDay = Int((Double(firstMinute) / Double(CivilTime.secondsPerDay)).rounded(.down))
    for dayNumber in firstDay..<firstDay + 5 * 366 where matches(dayNumber: dayNumber) {
      let midnight = Int64(dayNumber) * CivilTime.secondsPerDay
      for hour in sortedHours where midnight + Int64(hour) * 3600 + 3599 >= firstMinute {
        for minute in sortedMinutes {
          let time = midnight + Int64(hour) * 3600 + Int64(minute) * 60
          if time >= firstMinute { return time }
        }
      }
    }
    return nil
  }

  private func matches(dayNumber: Int) -> Bool {
    guard case .fields(_, _, let days, let months, let weekdays) = kind else { return false }
    let date = CivilTime.date(dayNumber: dayNumber)
    guard months.contains(date.month) else { return false }
    let dayFits = days.contains(date.day)
    let weekdayFits = weekdays.contains(CivilTime.weekday(dayNumber: dayNumber))
    return anyDay || anyWeekday ? dayFits && weekdayFits : dayFits || weekdayFits
  }

  /// `1h30m`, `90s` and the like, in whole seconds.
  private static func seconds(_ text: String) -> Int64? {
    var total: Int64 = 0
    var digits = ""
    for character in text {
      if character.isNumber {
        digits.append(character)
        continue
      }
      guard let number = Int64(digits) else { return nil }
      switch character {
      case "h": total += number * 3600
      case "m": total += number * 60
      case "s": total += number
      default: return nil
      }
      digits = ""
    }
    return digits.isEmpty ? total : nil
  }
}
