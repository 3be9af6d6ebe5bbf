/// The words of the Common Expression Language.
enum CELToken: Sendable, Equatable {
  case identifier(String)
  /// A field name in backquotes, which is taken literally.
  case quotedIdentifier(String)
  case int(UInt64)
  case uint(UInt64)
  case double(Double)
  case string(String)
  case bytes([UInt8])
  case symbol(String)
  case end
}

/// Splits an expression into tokens, each with the offset it starts at.
struct CELLexer {
  private let scalars: [Unicode.Scalar]
  private var position = 0

  private static let symbols = [
    "||", "&&", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}",
  ].map { Array($0.unicodeScalars) }

  static func tokens(of text: String) throws(CELError) -> [(token: CELToken, offset: Int)] {
    var lexer = CELLexer(scalars: Array(text.unicodeScalars))
    var tokens: [(CELToken, Int)] = []
    while true {
      lexer.skipSpace()
      let offset = lexer.position
      let token = try lexer.next()
      tokens.append((token, offset))
      if token == .end { return tokens }
    }
  }

  private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
    position + ahead < scalars.count ? scalars[position + ahead] : nil
  }

  private mutating func skipSpace() {
    while let scalar = peek() {
      if scalar.properties.isWhitespace {
        position += 1
      } else if scalar == "/", peek(1) == "/" {
        while let scalar = peek(), scalar != "\n" { _ = scalar; position += 1 }
      } else {
        return
      }
    }
  }

  private mutating func next() throws(CELError) -> CELToken {
    guard let scalar = peek() else { return .end }
    if isDigit(scalar) || (scalar == "." && peek(1).map(isDigit) == true) { return try number() }
    if let string = try prefixedString() { return string }
    if isLetter(scalar) {
      var name = ""
      while let scalar = peek(), isLetter(scalar) || isDigit(scalar) {
        name.unicodeScalars.append(scalar)
        position += 1
      }
      return .identifier(name)
    }
    if scalar == "`" {
      var name = ""
      position += 1
      while let scalar = peek(), scalar != "`" {
        name.unicodeScalars.append(scalar)
        position += 1
      }
      guard peek() == "`" else { throw CELError("Syntax error: missing closing backquote", at: position) }
      position += 1
      return .quotedIdentifier(name)
    }
    for symbol in Self.symbols where scalars[position...].starts(with: symbol) {
      position += symbol.count
      return .symbol(String(String.UnicodeScalarView(symbol)))
    }
    throw CELError("Syntax error: token recognition error at: '\(scalar)'", at: position)
  }

  private func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
  private func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
  }

  private mutating func number() throws(CELError) -> CELToken {
    let start = position
    if peek() == "0", peek(1) == "x" || peek(1) == "X" {
      position += 2
      let digits = take { $0.properties.isASCIIHexDigit }
      guard let value = UInt64(digits, radix: 16) else { throw CELError("Syntax error: invalid number", at: start) }
      return unsignedSuffix() ? .uint(value) : .int(value)
    }
    var text = take { ("0"..."9").contains($0) }
    var isDouble = false
    if peek() == ".", peek(1).map(isDigit) == true {
      position += 1
      isDouble = true
      text += "." + take { ("0"..."9").contains($0) }
    }
    if peek() == "e" || peek() == "E" {
      position += 1
      isDouble = true
      text += "e"
      if let sign = peek(), sign == "+" || sign == "-" {
        text.unicodeScalars.append(sign)
        position += 1
      }
      text += take { ("0"..."9").contains($0) }
    }
    if isDouble {
      guard let value = Double(text.hasPrefix(".") ? "0" + text : text) else {
        throw CELError("Syntax error: invalid number", at: start)
      }
      return .double(value)
    }
    guard let value = UInt64(text) else { throw CELError("Syntax error: invalid int literal", at: start) }
    return unsignedSuffix() ? .uint(value) : .int(value)
  }

  private mutating func unsignedSuffix() -> Bool {
    guard peek() == "u" || peek() == "U" else { return false }
    position += 1
    return true
  }

  private mutating func take(_ belongs: (Unicode.Scalar) -> Bool) -> String {
    var text = ""
    while let scalar = peek(), belongs(scalar) {
      text.unicodeScalars.append(scalar)
      position += 1
    }
    return text
  }

  /// A string or bytes literal, with its prefixes `r` (raw) and `b` (bytes) in any order and case.
  private mutating func prefixedString() throws(CELError) -> CELToken? {
    var isRaw = false
    var isBytes = false
    var length = 0
    while let scalar = peek(length), length < 2 {
      switch scalar {
      case "r" where !isRaw, "R" where !isRaw: isRaw = true
      case "b" where !isBytes, "B" where !isBytes: isBytes = true
      default:
        guard scalar == "\"" || scalar == "'" else { return nil }
        position += length
        return try string(quote: scalar, isRaw: isRaw, isBytes: isBytes)
      }
      length += 1
    }
    guard let quote = peek(length), quote == "\"" || quote == "'" else { return nil }
    position += length
    return try string(quote: quote, isRaw: isRaw, isBytes: isBytes)
  }

  private mutating func string(quote: Unicode.Scalar, isRaw: Bool, isBytes: Bool) throws(CELError) -> CELToken {
    let start = position
    let isTriple = peek(1) == quote && peek(2) == quote
    position += isTriple ? 3 : 1
    var text = String.UnicodeScalarView()
    var bytes: [UInt8] = []
    func atEnd() -> Bool {
      isTriple ? peek() == quote && peek(1) == quote && peek(2) == quote : peek() == quote
    }
    while !atEnd() {
      guard let scalar = peek(), isTriple || scalar != "\n" else {
        throw CELError("Syntax error: unterminated string", at: start)
      }
      position += 1
      var value = scalar
      var isOctet = false
      if scalar == "\\", !isRaw { (value, isOctet) = try escape(at: position - 1) }
      text.append(value)
      if isOctet {
        bytes.append(UInt8(truncatingIfNeeded: value.value))
      } else {
        bytes += Array(String(value).utf8)
      }
    }
    position += isTriple ? 3 : 1
    return isBytes ? .bytes(bytes) : .string(String(text))
  }

  /// The scalar of an escape, and whether bytes literals take it as one octet.
  private mutating func escape(at start: Int) throws(CELError) -> (Unicode.Scalar, Bool) {
    guard let scalar = peek() else { throw CELError("Syntax error: unterminated string", at: start) }
    position += 1
    switch scalar {
    case "n": return ("\n", false)
    case "t": return ("\t", false)
    case "r": return ("\r", false)
    case "a": return ("\u{7}", false)
    case "b": return ("\u{8}", false)
    case "f": return ("\u{c}", false)
    case "v": return ("\u{b}", false)
    case "\\", "'", "\"", "`", "?": return (scalar, false)
    case "x", "X": return (try code(digits: 2, radix: 16, start), true)
    case "u": return (try code(digits: 4, radix: 16, start), false)
    case "U": return (try code(digits: 8, radix: 16, start), false)
    case "0"..."3":
      position -= 1
      return (try code(digits: 3, radix: 8, start), true)
    default: throw CELError("Syntax error: invalid escape sequence '\\\(scalar)'", at: start)
    }
  }

  private mutating func code(digits: Int, radix: Int, _ start: Int) throws(CELError) -> Unicode.Scalar {
    var text = ""
    for _ in 0..<digits {
      if let scalar = peek() { text.unicodeScalars.append(scalar) }
      position += 1
    }
    guard let value = UInt32(text, radix: radix), let scalar = Unicode.Scalar(value) else {
      throw CELError("Syntax error: invalid escape sequence", at: start)
    }
    return scalar
  }
}
