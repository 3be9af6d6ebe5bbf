import KubernetesModels
import Testing

struct QuantityTests {
  @Test(arguments: [
    ("0", "0"), ("0Gi", "0"), ("1", "1"), ("0.5", "500m"), ("1.5", "1500m"), ("500m", "500m"), ("1000m", "1"),
    ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("1536Mi", "1536Mi"), ("512", "512"), ("0.5Ki", "512"), ("1Ki", "1Ki"),
    ("1025Ki", "1025Ki"), ("0.1Gi", "107374182400m"), ("1000k", "1M"), ("1e3", "1e3"), ("1500e0", "1500"),
    ("12e6", "12e6"),
    ("1E", "1E"), ("1E3", "1e3"), ("5e-1", "500e-3"), ("-1.5", "-1500m"), ("+2", "2"), (".5", "500m"), ("5.", "5"),
    ("100u", "100u"), ("0.1n", "1n"), ("-0.1n", "-1n"), ("1.0000000001", "1000000001n"), ("20Gi", "20Gi"),
    ("9223372036854775807", "9223372036854775807"), ("100E", "9223372036854775807"), ("16Ei", "9223372036854775807"),
    ("99999999999999999999999999999999999999999", "9223372036854775807"), ("1e-30", "1e-9"),
  ])
  func textHasOneCanonicalForm(text: String, canonical: String) throws {
    let quantity = try Quantity(parsing: text)
    #expect(quantity.description == canonical)
    #expect(Quantity(canonical) == quantity)
  }

  @Test(arguments: [
    "", "m", ".", "1.2.3", "1K", "1KiB", "1 Gi", "Gi", "1e", "1e1.5", "0x10", "--1", "1mi", "1e99999999999",
  ])
  func whatIsNoQuantityIsRefused(text: String) {
    #expect(throws: QuantityParseError.self) { try Quantity(parsing: text) }
  }

  @Test func arithmeticIsExact() throws {
    var sum: Quantity = "0"
    for _ in 0..<10 { sum += "100m" }
    #expect(sum == "1")
    #expect(("1Gi" as Quantity) + "512Mi" == "1536Mi")
    #expect((("1Gi" as Quantity) + "512Mi").description == "1536Mi")
    #expect((("0" as Quantity) + "1Gi").description == "1Gi")
    #expect((("1" as Quantity) - "1m").description == "999m")
    #expect((("250m" as Quantity) * 3).description == "750m")
    #expect(("9E" as Quantity) + "9E" == "9223372036854775807")
    #expect(("9E" as Quantity) * -9 == "-9223372036854775807")
  }

  @Test func amountsCompareWhateverTheirSuffix() {
    #expect(("1Gi" as Quantity) == "1024Mi")
    #expect(("1Gi" as Quantity).hashValue == ("1024Mi" as Quantity).hashValue)
    #expect(("1G" as Quantity) < "1Gi")
    #expect(("999m" as Quantity) < "1")
    #expect(("-1" as Quantity) < "0")
  }

  @Test func wholeUnitsAreRoundedAwayFromZero() {
    #expect(("1Gi" as Quantity).value == 1_073_741_824)
    #expect(("1100m" as Quantity).value == 2)
    #expect(("-1100m" as Quantity).value == -2)
    #expect(("1" as Quantity).milliValue == 1000)
    #expect(("1u" as Quantity).milliValue == 1)
    #expect(("1.5" as Quantity).doubleValue == 1.5)
  }

  @Test func numbersAndStringsDecodeAndTheCanonicalFormIsEncoded() throws {
    let json: JSONValue = ["limits": ["cpu": 2, "memory": "1024Mi", "x": 0.25]]
    let resources = try json.decode(ResourceRequirements.self)
    #expect(try JSONValue(encoding: resources) == ["limits": ["cpu": "2", "memory": "1Gi", "x": "250m"]])
    #expect(throws: DecodingError.self) { try JSONValue.string("lots").decode(Quantity.self) }
  }
}
