import Testing

@testable import TradingCore

@Suite struct DecimalTextTests {
  @Test(arguments: [
    ("0.10", 2, 10), ("1", 2, 100), ("-3.5", 1, -35), ("0.100", 2, 10), ("1.08512", 5, 108_512), ("007", 0, 7),
    ("92233720368547758.07", 2, Int64.max),
  ])
  func readsExactly(text: String, digits: Int, value: Int64) throws {
    #expect(try DecimalText.parse(text, fractionDigits: digits) == value)
  }

  @Test(arguments: ["", "-", ".5", "5.", "1e3", "+1", " 1", "1 ", "1,0", "0x1", "1.2.3", "١", "0.1a"])
  func refusesWhatIsNoDecimal(text: String) {
    #expect(throws: DecimalText.ParseError.malformed) { try DecimalText.parse(text, fractionDigits: 2) }
  }

  @Test func refusesPrecisionThatWouldBeLost() {
    #expect(throws: DecimalText.ParseError.tooManyFractionDigits(allowed: 2)) {
      try DecimalText.parse("0.105", fractionDigits: 2)
    }
    #expect(throws: DecimalText.ParseError.outOfRange) {
      try DecimalText.parse("92233720368547758.08", fractionDigits: 2)
    }
  }

  @Test(arguments: [(10, 2, "0.10"), (-5, 2, "-0.05"), (108_512, 5, "1.08512"), (7, 0, "7"), (0, 3, "0.000")])
  func printsAllDigits(value: Int64, digits: Int, text: String) {
    #expect(DecimalText.format(value, fractionDigits: digits) == text)
  }

  @Test func everyPrintedAmountReadsBack() throws {
    for value in [Int64.min + 1, -101, -100, -1, 0, 1, 99, 100, 12_345, Int64.max] {
      for digits in 0...6 {
        let text = DecimalText.format(value, fractionDigits: digits)
        #expect(try DecimalText.parse(text, fractionDigits: digits) == value)
      }
    }
  }
}

@Suite struct TimestampTests {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
    (1_795_380_067_123, "2026-11-22T20:41:07.123Z"), (-1, "1969-12-31T23:59:59.999Z"),
    (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
  ])
  func printsRFC3339(milliseconds: Int64, text: String) {
    #expect(Timestamp(milliseconds: milliseconds).description == text)
  }
}
