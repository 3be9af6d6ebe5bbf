import FoundationEssentials
import KubernetesModels
import RTXPlatformAPI
import Testing

@testable import PlatformOperator

struct FreezeWindowTests {
  private func window(_ days: [String], _ from: String, _ to: String, _ zone: String = "UTC") throws -> FreezeWindow {
    try #require(FreezeWindow(RolloutWindowSpec(days: days, from: from, timeZone: zone, to: to)))
  }

  private func holds(_ window: FreezeWindow, _ time: String) throws -> Bool {
    window.contains(try #require(Timestamp(time)))
  }

  @Test func aWindowHoldsFromItsFirstMinuteToTheOneBeforeItsEnd() throws {
    // 23 November 2026 is a Monday.
    let monday = try window(["Monday"], "08:00", "16:30")
    #expect(try !holds(monday, "2026-11-23T07:59:59Z"))
    #expect(try holds(monday, "2026-11-23T08:00:00Z"))
    #expect(try holds(monday, "2026-11-23T16:29:59Z"))
    #expect(try !holds(monday, "2026-11-23T16:30:00Z"))
    #expect(try !holds(monday, "2026-11-24T09:00:00Z"))
    let night = try window(["Sunday"], "22:00", "02:00")
    #expect(try holds(night, "2026-11-22T23:00:00Z"))
    #expect(try holds(night, "2026-11-23T01:59:00Z"))
    #expect(try !holds(night, "2026-11-23T02:00:00Z"))
    #expect(try !holds(night, "2026-11-22T01:00:00Z"))
  }

  /// Wall Street opens at 14:30 UTC in winter and at 13:30 in summer.
  @Test func aWindowFollowsItsZonesClocks() throws {
    let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
    let street = try window(days, "09:30", "16:00", "America/New_York")
    #expect(try !holds(street, "2026-11-23T14:29:59Z"))
    #expect(try holds(street, "2026-11-23T14:30:00Z"))
    #expect(try !holds(street, "2026-07-01T13:29:59Z"))
    #expect(try holds(street, "2026-07-01T13:30:00Z"))
    // Tokyo's Monday begins on UTC's Sunday.
    let tokyo = try window(["Monday"], "00:00", "09:00", "Asia/Tokyo")
    #expect(try holds(tokyo, "2026-11-22T15:00:00Z"))
    #expect(try !holds(tokyo, "2026-11-23T00:00:00Z"))
  }

  @Test func anUnknownZoneForbidsEverythingAndSaysSo() throws {
    let spec = RolloutWindowSpec(days: ["Monday"], from: "08:00", timeZone: "Europe/Zurch", to: "09:00")
    #expect(FreezeWindow.forbid([spec], at: try #require(Timestamp("2026-11-22T00:00:00Z"))))
    #expect(FreezeWindow.obstacle([spec])?.hasPrefix("spec.rollout.windows[0].timeZone: 'Europe/Zurch'") == true)
    #expect(FreezeWindow.obstacle([]) == nil)
    for name in ["zone.tab", "../zoneinfo/UTC", "Europe", ""] { #expect(TimeZoneRules.named(name) == nil, "\(name)") }
  }

  /// Python's zoneinfo is another reader of the same database.
  @Test(.timeLimit(.minutes(1)))
  func offsetsAreThoseThatPythonReads() async throws {
    let program = """
      import zoneinfo, datetime
      for name in ["America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Sydney", "America/Sao_Paulo", "Asia/Kolkata",
                   "Africa/Casablanca", "Pacific/Chatham", "America/Nuuk", "Asia/Jerusalem", "Europe/Dublin", "Etc/GMT+5"]:
          zone = zoneinfo.ZoneInfo(name)
          for time in range(-2_000_000_000, 6_000_000_000, 9_876_543):
              moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=time)
              print(name, time, int(moment.astimezone(zone).utcoffset().total_seconds()))
      """
    let result = try await runProgram("/usr/bin/python3", ["-c", program], environment: [:])
    #expect(result.status == 0, "\(result.output.suffix(500))")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count > 9_000)
    for line in lines {
      let words = line.split(separator: " ")
      let rules = try #require(TimeZoneRules.named(String(words[0])))
      let (time, offset) = (try #require(Int64(words[1])), try #require(Int(words[2])))
      if rules.offset(at: time) != offset {
        Issue.record("\(words[0]) at \(time): \(rules.offset(at: time)) instead of \(offset)")
        return
      }
    }
  }

  /// Databases that list no moment, as Debian's do from 2038 on, have rules.
  @Test func rulesHoldWhereNothingIsListed() throws {
    let london = try #require(DaylightRule("GMT0BST,M3.5.0/1,M10.5.0"))
    for (time, offset) in [
      ("2026-03-29T00:59:59Z", 0), ("2026-03-29T01:00:00Z", 3_600), ("2026-10-25T00:59:59Z", 3_600),
      ("2026-10-25T01:00:00Z", 0),
    ] { #expect(london.offset(at: try #require(Timestamp(time)).secondsSinceEpoch) == offset, "\(time)") }
    let sydney = try #require(DaylightRule("AEST-10AEDT,M10.1.0,M4.1.0/3"))
    #expect(sydney.offset(at: try #require(Timestamp("2026-01-01T00:00:00Z")).secondsSinceEpoch) == 39_600)
    #expect(sydney.offset(at: try #require(Timestamp("2026-06-01T00:00:00Z")).secondsSinceEpoch) == 36_000)
    #expect(DaylightRule("<+0330>-3:30")?.offset(at: 0) == 12_600)
    for text in ["", "X", "UTC", "EST5EDT", "EST5EDT,M13.1.0,M1.1.0", "EST5EDT,M3.2.0,M11.1.0x"] {
      #expect(DaylightRule(text) == nil, "\(text)")
    }
  }
}
