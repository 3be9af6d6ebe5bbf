extension JSONValue {
  /// The compact JSON text in UTF-8, with the keys of every object in byte order, so that equal values give equal bytes.
  public func serialized() -> [UInt8] {
    var serializer = JSONSerializer(pretty: false)
    serializer.write(self, indent: 0)
    return serializer.output
  }

  /// The JSON text with sorted keys; `pretty` indents by four spaces, as kubectl prints.
  public func serializedString(pretty: Bool = false) -> String {
    var serializer = JSONSerializer(pretty: pretty)
    serializer.write(self, indent: 0)
    return String(decoding: serializer.output, as: UTF8.self)
  }

  /// A number as encoding/json prints it: whole doubles without a fraction.
  static func numberText(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    // JSON has no infinities; nothing that this module parses produces them.
    return value.isFinite ? value.description : "null"
  }
}

struct JSONSerializer {
  private(set) var output: [UInt8] = []
  private let pretty: Bool
  private static let hexDigits = Array("0123456789abcdef".utf8)

  init(pretty: Bool) {
    self.pretty = pretty
    output.reserveCapacity(256)
  }

  mutating func write(_ value: JSONValue, indent: Int) {
    switch value {
    case .null: output.append(contentsOf: "null".utf8)
    case .bool(let flag): output.append(contentsOf: (flag ? "true" : "false").utf8)
    case .integer(let number): output.append(contentsOf: String(number).utf8)
    case .double(let number): output.append(contentsOf: JSONValue.numberText(number).utf8)
    case .string(let text): write(text)
    case .array(let elements):
      guard !elements.isEmpty else {
        output.append(contentsOf: "[]".utf8)
        return
      }
      output.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        breakLine(indent + 1)
        write(element, indent: indent + 1)
      }
      breakLine(indent)
      output.append(UInt8(ascii: "]"))
    case .object(let fields):
      guard !fields.isEmpty else {
        output.append(contentsOf: "{}".utf8)
        return
      }
      output.append(UInt8(ascii: "{"))
      var isFirst = true
      for (key, element) in fields.sorted(by: { $0.key < $1.key }) {
        if !isFirst { output.append(UInt8(ascii: ",")) }
        isFirst = false
        breakLine(indent + 1)
        write(key)
        output.append(UInt8(ascii: ":"))
        if pretty { output.append(0x20) }
        write(element, indent: indent + 1)
      }
      breakLine(indent)
      output.append(UInt8(ascii: "}"))
    }
  }

  private mutating func breakLine(_ indent: Int) {
    guard pretty else { return }
    output.append(0x0A)
    output.append(contentsOf: repeatElement(0x20, count: indent * 4))
  }

  private mutating func write(_ text: String) {
    output.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        output.append(UInt8(ascii: "\\"))
        output.append(byte)
      case 0x0A: output.append(contentsOf: "\\n".utf8)
      case 0x0D: output.append(contentsOf: "\\r".utf8)
      case 0x09: output.append(contentsOf: "\\t".utf8)
      case 0..<0x20:
        output.append(contentsOf: "\\u00".utf8)
        output.append(Self.hexDigits[Int(byte >> 4)])
        output.append(Self.hexDigits[Int(byte & 15)])
      default: output.append(byte)
      }
    }
    output.append(UInt8(ascii: "\""))
  }
}
