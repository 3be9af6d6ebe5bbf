import Testing

@testable import RTXPlatformAPI

struct CronScheduleTests {
  @Test(arguments: [
    "0 * * * *", "*/15 0-5 1,15 jan-mar MON", "@hourly", "0 0 1 1 0", "5/10 * ? * 1-5", "59 23 31 12 6",
  ])
  func takesWhatTheCronJobControllerTakes(_ text: String) throws {
    #expect(try CronSchedule(text).text == text)
  }

  @Test(arguments: [
    ("60 * * * *", "minute"), ("* 24 * * *", "hour"), ("* * 0 * *", "day of month"), ("* * * 13 *", "month"),
    ("* * * * 7", "day of week"), ("* * * *", "4 fields"), ("*/0 * * * *", "step"), ("5-1 * * * *", "backwards"),
    ("1,,2 * * * *", "''"), ("@sometimes", "1 fields"), ("1-2-3 * * * *", "no range"),
  ])
  func saysWhichFieldIsWrong(_ text: String, _ word: String) throws {
    let failure = try #require(throws: CronSchedule.Failure.self) { _ = try CronSchedule(text) }
    #expect(failure.problem.contains(word), "\(failure.problem)")
  }
}
