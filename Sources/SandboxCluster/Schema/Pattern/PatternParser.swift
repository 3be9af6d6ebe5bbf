/// What a regular expression is made of, in RE2's syntax (which Go, and so every Kubernetes schema, uses).
indirect enum PatternNode: Sendable {
  enum Assertion: Sendable { case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary }

  case empty
  case scalars(CharacterClass)
  case assertion(Assertion)
  case concatenation([PatternNode])
  case alternation([PatternNode])
  case repetition(PatternNode, minimum: Int, maximum: Int?, isLazy: Bool)
}

/// A pattern that is not RE2 syntax.
struct PatternSyntaxError: Error, Sendable, CustomStringConvertible {
  var message: String
  var offset: Int
  var description: String { "error parsing regexp: \(message) at offset \(offset)" }
}

/// Recursive descent over the scalars of a pattern.
struct PatternParser {
  private struct Flags {
    var ignoresCase = false
    var multiline = false
    var dotMatchesNewline = false
    var swapsGreed = false
  }

  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var flags = Flags()
  private var depth = 0

  init(_ pattern: String) {
    scalars = Array(pattern.unicodeScalars)
  }

  mutating func parse() throws(PatternSyntaxError) -> PatternNode {
    let node = try alternation()
    guard position == scalars.count else { throw error("unexpected )") }
    return node
  }

  private func error(_ message: String) -> PatternSyntaxError { PatternSyntaxError(message: message, offset: position) }

  private var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func next() -> Unicode.Scalar? {
    guard position < scalars.count else { return nil }
    defer { position += 1 }
    return scalars[position]
  }

  private mutating func take(_ text: String) -> Bool {
    let wanted = Array(text.unicodeScalars)
    guard position + wanted.count <= scalars.count, Array(scalars[position..<position + wanted.count]) == wanted else {
      return false
    }
    position += wanted.count
    return true
  }

  private mutating func alternation() throws(PatternSyntaxError) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth < 200 else { throw error("expression nests too deeply") }
    var branches = [try concatenation()]
    while take("|") { branches.append(try concatenation()) }
    return branches.count == 1 ? branches[0] : .alternation(branches)
  }

  private mutating func concatenation() throws(PatternSyntaxError) -> PatternNode {
    var parts: [PatternNode] = []
    while let scalar = peek, scalar != "|", scalar != ")" {
      if take("\\Q") {
        while position < scalars.count, !take("\\E") {
          parts.append(.scalars(literal(scalars[position])))
          position += 1
        }
        continue
      }
      parts.append(try repetitions(of: try atom()))
    }
    return parts.isEmpty ? .empty : parts.count == 1 ? parts[0] : .concatenation(parts)
  }

  private mutating func repetitions(of atom: PatternNode) throws(PatternSyntaxError) -> PatternNode {
    var node = atom
    while let scalar = peek {
      var minimum = 0
      var maximum: Int?
      switch scalar {
      case "*": position += 1
      case "+":
        position += 1
        minimum = 1
      case "?":
        position += 1
        maximum = 1
      case "{":
        guard let counts = try counts() else { return node }
        (minimum, maximum) = counts
      default: return node
      }
      let isLazy = take("?") != flags.swapsGreed
      node = .repetition(node, minimum: minimum, maximum: maximum, isLazy: isLazy)
    }
    return node
  }

  /// `{n}`, `{n,}` or `{n,m}`; nil when the brace is a literal one.
  private mutating func counts() throws(PatternSyntaxError) -> (Int, Int?)? {
    let start = position
    position += 1
    guard let minimum = number() else {
      position = start
      return nil
    }
    var maximum: Int? = minimum
    if take(",") { maximum = number() }
    guard take("}") else {
      position = start
      return nil
    }
    guard minimum <= 1000, maximum ?? 0 <= 1000, maximum ?? minimum >= minimum else {
      throw error("invalid repeat count")
    }
    return (minimum, maximum)
  }

  private mutating func number() -> Int? {
    var digits = ""
    while let scalar = peek, ("0"..."9").contains(scalar) {
      digits.unicodeScalars.append(scalar)
      position += 1
    }
    return digits.isEmpty ? nil : Int(digits) ?? Int.max
  }

  private func literal(_ scalar: Unicode.Scalar) -> CharacterClass {
    var set = CharacterClass.scalar(scalar)
    set.ignoresCase = flags.ignoresCase
    return set
  }

  private mutating func atom() throws(PatternSyntaxError) -> PatternNode {
    guard let scalar = next() else { throw error("missing argument") }
    switch scalar {
    case "(": return try group()
    case "[": return .scalars(try bracketClass())
    case ".":
      return .scalars(flags.dotMatchesNewline ? CharacterClass(negated: true) : .ranges([("\n", "\n")], negated: true))
    case "^": return .assertion(flags.multiline ? .lineStart : .textStart)
    case "$": return .assertion(flags.multiline ? .lineEnd : .textEnd)
    case "*", "+", "?": throw error("missing argument to repetition operator: `\(scalar)`")
    case "\\": return try escape()
    default:
      // `{` that opened a count would have been taken as a repetition.
      return .scalars(literal(scalar))
    }
  }

  private mutating func group() throws(PatternSyntaxError) -> PatternNode {
    let outer = flags
    if take("?") {
      if take("P<") || take("<") {
        while let scalar = next(), scalar != ">" {}
      } else {
        var isNegated = false
        loop: while true {
          guard let scalar = next() else { throw error("missing closing )") }
          switch scalar {
          case "i": flags.ignoresCase = !isNegated
          case "m": flags.multiline = !isNegated
          case "s": flags.dotMatchesNewline = !isNegated
          case "U": flags.swapsGreed = !isNegated
          case "-": isNegated = true
          case ":": break loop
          case ")": return .empty  // the flags hold for the rest of the enclosing group
          default: throw error("invalid or unsupported Perl syntax: `(?\(scalar)`")
          }
        }
      }
    }
    let node = try alternation()
    guard take(")") else { throw error("missing closing )") }
    flags = outer
    return node
  }

  private mutating func escape() throws(PatternSyntaxError) -> PatternNode {
    switch peek {
    case "b"?: position += 1; return .assertion(.wordBoundary)
    case "B"?: position += 1; return .assertion(.noWordBoundary)
    case "A"?: position += 1; return .assertion(.textStart)
    case "z"?: position += 1; return .assertion(.textEnd)
    default:
      var set = try escapedClass()
      set.ignoresCase = flags.ignoresCase
      return .scalars(set)
    }
  }

  /// What follows a backslash, both in and out of brackets.
  private mutating func escapedClass() throws(PatternSyntaxError) -> CharacterClass {
    guard let scalar = next() else { throw error("trailing backslash at end of expression") }
    switch scalar {
    case "d": return .ranges(CharacterClass.digit)
    case "D": return .ranges(CharacterClass.digit, negated: true)
    case "w": return .ranges(CharacterClass.word)
    case "W": return .ranges(CharacterClass.word, negated: true)
    case "s": return .ranges(CharacterClass.space)
    case "S": return .ranges(CharacterClass.space, negated: true)
    case "n": return .scalar("\n")
    case "t": return .scalar("\t")
    case "r": return .scalar("\r")
    case "f": return .scalar("\u{c}")
    case "v": return .scalar("\u{b}")
    case "a": return .scalar("\u{7}")
    case "x": return .scalar(try hexadecimal())
    case "p", "P": return try unicodeCategory(negated: scalar == "P")
    default:
      let isWord = CharacterClass.ranges(CharacterClass.word).contains(scalar)
      guard !isWord else { throw error("invalid escape sequence: `\\\(scalar)`") }
      return .scalar(scalar)
    }
  }

  private mutating func hexadecimal() throws(PatternSyntaxError) -> Unicode.Scalar {
    var digits = ""
    if take("{") {
      while let scalar = next(), scalar != "}" { digits.unicodeScalars.append(scalar) }
    } else {
      for _ in 0..<2 { if let scalar = next() { digits.unicodeScalars.append(scalar) } }
    }
    guard let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
      throw error("invalid escape sequence: `\\x\(digits)`")
    }
    return scalar
  }

  private mutating func unicodeCategory(negated: Bool) throws(PatternSyntaxError) -> CharacterClass {
    var name = ""
    if take("{") {
      while let scalar = next(), scalar != "}" { name.unicodeScalars.append(scalar) }
    } else if let scalar = next() {
      name.unicodeScalars.append(scalar)
    }
    let isInverse = name.hasPrefix("^")
    guard let categories = CharacterClass.categories(named: isInverse ? String(name.dropFirst()) : name) else {
      throw error("invalid character class range: `\\p{\(name)}`")
    }
    return CharacterClass(items: [.categories(categories, negated: isInverse != negated)])
  }

  private mutating func bracketClass() throws(PatternSyntaxError) -> CharacterClass {
    var set = CharacterClass(negated: take("^"), ignoresCase: flags.ignoresCase)
    var isFirst = true
    while true {
      guard let scalar = next() else { throw error("missing closing ]") }
      if scalar == "]", !isFirst { return set }
      isFirst = false
      if scalar == "[", peek == ":" {
        set.items.append(.nested(try posixClass()))
        continue
      }
      var lower = scalar
      if scalar == "\\" {
        let escaped = try escapedClass()
        guard !escaped.negated, escaped.items.count == 1, case .range(let range) = escaped.items[0],
          range.count == 1, let single = Unicode.Scalar(range.lowerBound)
        else {
          set.items.append(.nested(escaped))
          continue
        }
        lower = single
      }
      var upper = lower
      if peek == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
        position += 1
        guard let end = next() else { throw error("missing closing ]") }
        upper = end
        if end == "\\", case .range(let range)? = try escapedClass().items.first,
          let single = Unicode.Scalar(range.lowerBound)
        {
          upper = single
        }
      }
      guard lower.value <= upper.value else { throw error("invalid character class range: `\(lower)-\(upper)`") }
      set.items.append(.range(lower.value...upper.value))
    }
  }

  private mutating func posixClass() throws(PatternSyntaxError) -> CharacterClass {
    position += 1
    let isNegated = take("^")
    var name = ""
    while let scalar = next(), scalar != ":" { name.unicodeScalars.append(scalar) }
    guard take("]"), let ranges = CharacterClass.posix[name] else {
      throw error("invalid character class range: `[:\(name):]`")
    }
    return .ranges(ranges, negated: isNegated)
  }
}
