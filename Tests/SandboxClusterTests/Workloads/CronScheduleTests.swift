import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite struct CronScheduleTests {
  @Test(arguments: [
    ("* * * * *", "2026-01-31T12:00:30Z", "2026-01-31T12:01:00Z"),
    ("0 * * * *", "2026-01-31T12:00:00Z", "2026-01-31T13:00:00Z"),
    ("@hourly", "2026-12-31T23:10:00Z", "2027-01-01T00:00:00Z"),
    ("*/15 9-17 * * MON-FRI", "2026-11-20T17:46:00Z", "2026-11-23T09:00:00Z"),
    ("30 2 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T02:30:00Z"),
    ("0 0 1,15 * 5", "2026-11-02T00:00:00Z", "2026-11-06T00:00:00Z"),
    ("0 0 13 * *", "2026-11-13T00:00:00Z", "2026-12-13T00:00:00Z"),
    ("5/20 0 * JAN sun", "2026-11-22T00:00:00Z", "2027-01-03T00:05:00Z"),
    ("@every 1h30m", "2026-11-22T00:00:00Z", "2026-11-22T01:30:00Z"),
    ("0 3 * * 0", "1969-12-31T00:00:00Z", "1970-01-04T03:00:00Z"),
  ])
  func nextTime(_ expression: String, _ from: String, _ expected: String) throws {
    let start = try #require(Timestamp(from))
    let next = try CronSchedule(parsing: expression).next(after: start.secondsSinceEpoch)
    #expect(next.map { Timestamp(secondsSinceEpoch: $0).description } == expected)
  }

  @Test(arguments: [
    "", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "5-1 * * * *", "*/0 * * * *",
    "a * * * *", "1,,2 * * * *", "@sometimes", "@every soon", "TZ=Europe/Berlin 0 0 * * *",
  ])
  func refused(_ expression: String) {
    #expect(throws: CronSchedule.ParseError.self) { try CronSchedule(parsing: expression) }
  }

  @Test func errorNamesTheFieldAndItsRange() {
    let error = #expect(throws: CronSchedule.ParseError.self) { try CronSchedule(parsing: "0 25 * * *") }
    #expect(
      error?.description == "cron schedule \"0 25 * * *\": hour \"25\" is not a number, range or step within 0-23")
  }

  @Test func impossibleDateHasNoNextTime() throws {
    #expect(try CronSchedule(parsing: "0 0 30 2 *").next(after: 0) == nil)
  }
}
