/// Writes a one-dimensional PostgreSQL array in its text form (PostgreSQL: "Array Input and Output Syntax").
struct PostgresArray {
  private var bytes: [UInt8] = [UInt8(ascii: "{")]

  mutating func append(_ value: Int64) { append(raw: String(value)) }

  mutating func append(_ value: Bool) { append(raw: value ? "t" : "f") }

  /// NULL for nil.
  mutating func append(_ value: Int64?) { append(raw: value.map { String($0) } ?? "NULL") }

  mutating func append(_ text: String) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// The whole array.
  var text: String { String(decoding: bytes, as: UTF8.self) + "}" }

  private mutating func append(raw: String) {
    separate()
    bytes.append(contentsOf: raw.utf8)
  }

  private mutating func separate() {
    if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
  }

  static func text(of texts: some Sequence<String>) -> String {
    var array = PostgresArray()
    for text in texts { array.append(text) }
    return array.text
  }

  static func text(of numbers: some Sequence<Int64>) -> String {
    var array = PostgresArray()
    for number in numbers { array.append(number) }
    return array.text
  }
}
