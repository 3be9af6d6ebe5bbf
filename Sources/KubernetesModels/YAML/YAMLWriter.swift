/// Writes block style with two spaces of indent, as kubectl prints.
struct YAMLWriter {
  private(set) var output = ""

  mutating func document(_ value: JSONValue) {
    switch value {
    case .object(let fields) where !fields.isEmpty: mapping(fields, indent: 0, startsOnLine: false)
    case .array(let elements) where !elements.isEmpty: sequence(elements, indent: 0)
    default:
      scalar(value, indent: 0)
      output += "\n"
    }
  }

  private mutating func mapping(_ fields: [String: JSONValue], indent: Int, startsOnLine: Bool) {
    var isFirst = startsOnLine
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      if !isFirst { pad(indent) }
      isFirst = false
      let name = key.contains("\n") ? Self.doubleQuoted(key) : Self.inline(key)
      // A key longer than 1024 characters must be announced.
      if name.utf8.count > 1000 {
        output += "? \(name)\n"
        pad(indent)
        output += ":"
      } else {
        output += "\(name):"
      }
      switch value {
      case .object(let fields) where !fields.isEmpty:
        output += "\n"
        mapping(fields, indent: indent + 2, startsOnLine: false)
      case .array(let elements) where !elements.isEmpty:
        output += "\n"
        sequence(elements, indent: indent)
      default:
        output += " "
        scalar(value, indent: indent)
        output += "\n"
      }
    }
  }

  private mutating func sequence(_ elements: [JSONValue], indent: Int, startsOnLine: Bool = false) {
    var isFirst = startsOnLine
    for element in elements {
      if !isFirst { pad(indent) }
      isFirst = false
      output += "- "
      switch element {
      case .object(let fields) where !fields.isEmpty: mapping(fields, indent: indent + 2, startsOnLine: true)
      case .array(let elements) where !elements.isEmpty:
        sequence(elements, indent: indent + 2, startsOnLine: true)
      default:
        scalar(element, indent: indent)
        output += "\n"
      }
    }
  }

  private mutating func pad(_ indent: Int) {
    output += String(repeating: " ", count: indent)
  }

  private mutating func scalar(_ value: JSONValue, indent: Int) {
    switch value {
    case .null: output += "null"
    case .bool(let flag): output += flag ? "true" : "false"
    case .integer(let number): output += String(number)
    case .double(let number): output += JSONValue.numberText(number)
    case .array: output += "[]"
    case .object: output += "{}"
    case .string(let text):
      if let block = Self.literalBlock(text, indent: indent + 2) {
        output += block
      } else {
        output += Self.inline(text)
      }
    }
  }

  /// A `|` block for a text of several lines that such a block can hold exactly; without the last line break.
  private static func literalBlock(_ text: String, indent: Int) -> String? {
    guard text.utf8.contains(0x0A), text.unicodeScalars.allSatisfy({ isPrintable($0) || $0 == "\n" || $0 == "\t" })
    else {
      return nil
    }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    // The block's indent is read from its first line, which must therefore have text and start without space.
    guard let first = lines.first, let character = first.first, character != " ", character != "\t" else {
      return nil
    }
    var header = "|-"
    if lines.last?.isEmpty == true {
      lines.removeLast()
      header = lines.last?.isEmpty == true ? "|+" : "|"
    }
    let padding = String(repeating: " ", count: indent)
    return header + lines.map { $0.isEmpty ? "\n" : "\n" + padding + $0 }.joined()
  }

  /// The text on one line: plain where that reads back as the same string, else in quotes.
  private static func inline(_ text: String) -> String {
    guard text.unicodeScalars.allSatisfy(isPrintable) else { return doubleQuoted(text) }
    if isSafePlain(text), case .string = YAMLScalarResolver.resolve(text) { return text }
    return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
  }

  private static func isSafePlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
    if "-?:,[]{}#&*!|>'\"%@` =<.".unicodeScalars.contains(first) || last == " " || last == ":" { return false }
    return !text.contains(": ") && !text.contains(" #")
  }

  private static func doubleQuoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _ where isPrintable(scalar): result.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16)
        result += scalar.value > 0xFFFF ? "\\U" : "\\u"
        result += String(repeating: "0", count: (scalar.value > 0xFFFF ? 8 : 4) - digits.utf8.count) + digits
      }
    }
    return result + "\""
  }

  /// Whether YAML lets the character stand unescaped on a line. Next line, line and paragraph separators end a line.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD: return true
    default: return scalar.value >= 0x10000
    }
  }
}
