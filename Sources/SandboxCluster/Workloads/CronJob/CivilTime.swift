/// A minute of the Gregorian calendar in UTC. Days are counted from 1970-01-01 by the usual era arithmetic
/// (400 years are 146,097 days).
struct CivilTime: Equatable, Sendable {
  var year: Int
  var month: Int
  var day: Int
  var hour: Int
  var minute: Int

  static let secondsPerDay: Int64 = 86_400

  /// - Parameter epochSeconds: Seconds since 1970-01-01 00:00 UTC.
  init(epochSeconds: Int64) {
    let days = Int((Double(epochSeconds) / Double(Self.secondsPerDay)).rounded(.down))
    let rest = Int(epochSeconds - Int64(days) * Self.secondsPerDay)
    (year, month, day) = Self.date(dayNumber: days)
    hour = rest / 3600
    minute = rest % 3600 / 60
  }

  /// The date of a day counted from 1970-01-01.
  static func date(dayNumber: Int) -> (year: Int, month: Int, day: Int) {
    // Years begin in March here, so that the leap day is a year's last.
    let shifted = dayNumber + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  /// 0 is Sunday; 1970-01-01 was a Thursday.
  static func weekday(dayNumber: Int) -> Int {
    let day = (dayNumber + 4) % 7
    return day < 0 ? day + 7 : day
  }
}
