import KubernetesModels
import RTXPlatformAPI

/// A time of the week in which requests must not move from one colour to another (`spec.rollout.windows`).
struct FreezeWindow: Sendable, Hashable {
  /// 0 is Monday.
  var days: Set<Int>
  /// Minutes after midnight of the zone's clocks; an end that is not after the start is on the next day.
  var from, to: Int
  var zone: TimeZoneRules

  private static let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
  private static let minutesOfDay = 24 * 60

  /// Nil when the machine knows no such time zone.
  init?(_ spec: RolloutWindowSpec) {
    guard let from = Self.minutes(spec.from), let to = Self.minutes(spec.to),
      let zone = TimeZoneRules.named(spec.timeZone)
    else { return nil }
    days = Set(spec.days.compactMap(Self.names.firstIndex))
    (self.from, self.to, self.zone) = (from, to, zone)
  }

  /// Whether one of the windows holds; one that is not understood always does.
  static func forbid(_ windows: [RolloutWindowSpec], at time: Timestamp) -> Bool {
    windows.contains { FreezeWindow($0)?.contains(time) ?? true }
  }

  /// Why no release can begin: the first window that is not understood.
  static func obstacle(_ windows: [RolloutWindowSpec]) -> String? {
    windows.firstIndex { FreezeWindow($0) == nil }.map { index in
      "spec.rollout.windows[\(index)].timeZone: '\(windows[index].timeZone)' is not in the operator's time zone database; "
        + "write a name of it, for example Europe/London"
    }
  }

  func contains(_ time: Timestamp) -> Bool {
    let minutes = (Int(time.secondsSinceEpoch) + zone.offset(at: time.secondsSinceEpoch)) / 60
    // 1 January 1970 was a Thursday.
    let today = (minutes / Self.minutesOfDay + 3) % 7
    let minute = minutes % Self.minutesOfDay
    if from < to { return days.contains(today) && (from..<to).contains(minute) }
    return days.contains(today) && minute >= from || days.contains((today + 6) % 7) && minute < to
  }

  /// `HH:MM`, as the schema admits it.
  private static func minutes(_ text: String) -> Int? {
    let parts = text.split(separator: ":").compactMap { Int($0) }
    return parts.count == 2 ? parts[0] * 60 + parts[1] : nil
  }
}
