import Foundation
import KubernetesModels
import Testing

struct ScalarTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("2024-02-29T12:34:56Z", 1_709_210_096), ("2000-01-01T00:00:00+02:00", 946_677_600),
    ("1969-12-31T23:59:59Z", -1), ("2026-01-31T12:00:00.987Z", 1_769_860_800),
    ("2100-03-01T00:00:00-05:30", 4_107_562_200),
    ("0001-01-01T00:00:00Z", -62_135_596_800), ("9999-12-31T23:59:59Z", 253_402_300_799),
  ])
  func timesParse(text: String, seconds: Int64) throws {
    #expect(Timestamp(text)?.secondsSinceEpoch == seconds)
  }

  @Test(arguments: [
    "", "2026-01-31", "2026-01-31 12:00:00Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z",
    "2026-01-31T12:00:00", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00Z ", "1900-02-29T00:00:00Z",
    "26-01-31T12:00:00Z",
  ])
  func whatIsNoTimeIsRefused(text: String) {
    #expect(Timestamp(text) == nil)
    #expect(MicroTime(text) == nil)
  }

  @Test func timesPrintAsFoundationPrintsThem() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      // From 1600 on: before, Foundation's calendar is the Julian one.
      let seconds = Int64.random(in: -11_676_096_000...253_402_300_799, using: &generator)
      let expected = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
      #expect(Timestamp(secondsSinceEpoch: seconds).description == expected)
      #expect(Timestamp(expected)?.secondsSinceEpoch == seconds)
    }
  }

  @Test func microTimesKeepSixDigits() throws {
    let time = try #require(MicroTime("2026-01-31T12:00:00.0000429Z"))
    #expect(time.description == "2026-01-31T12:00:00.000042Z")
    #expect(MicroTime(microsecondsSinceEpoch: -1).description == "1969-12-31T23:59:59.999999Z")
    #expect(MicroTime(microsecondsSinceEpoch: -1).timestamp.secondsSinceEpoch == -1)
    #expect((time + .milliseconds(1500)) - time == .milliseconds(1500))
    #expect(try JSONValue(encoding: time).decode(MicroTime.self) == time)
  }

  @Test func nowIsNow() {
    let difference = Date().timeIntervalSince1970 - Double(Timestamp.now.secondsSinceEpoch)
    #expect((-1.0...5.0).contains(difference))
    #expect(Timestamp.now + .seconds(60) > MicroTime.now.timestamp)
  }

  @Test func portsAndSharesKeepTheirKind() throws {
    let values = try JSONValue.array([80, "http", "25%"]).decode([IntOrString].self)
    #expect(values == [80, "http", "25%"])
    #expect(try JSONValue(encoding: values) == [80, "http", "25%"])
    #expect(values[2].scaled(of: 10, roundingUp: true) == 3)
    #expect(values[2].scaled(of: 10, roundingUp: false) == 2)
    #expect(values[1].scaled(of: 10, roundingUp: true) == nil)
  }
}
