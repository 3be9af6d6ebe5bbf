/// A set of Unicode scalars, as regular expressions name them.
struct CharacterClass: Sendable {
  enum Item: Sendable {
    case range(ClosedRange<UInt32>)
    case categories(Set<Unicode.GeneralCategory>, negated: Bool)
    case nested(CharacterClass)
  }

  var items: [Item] = []
  var negated = false
  var ignoresCase = false

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    if ignoresCase {
      return negated != (matches(scalar) || Self.otherCases(of: scalar).contains(where: matches))
    }
    return negated != matches(scalar)
  }

  private func matches(_ scalar: Unicode.Scalar) -> Bool {
    items.contains { item in
      switch item {
      case .range(let range): range.contains(scalar.value)
      case .categories(let categories, let negated):
        negated != categories.contains(scalar.properties.generalCategory)
      case .nested(let nested): nested.contains(scalar)
      }
    }
  }

  private static func otherCases(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping].compactMap { mapping in
      mapping.unicodeScalars.count == 1 ? mapping.unicodeScalars.first : nil
    }
  }

  static func scalar(_ scalar: Unicode.Scalar) -> CharacterClass {
    CharacterClass(items: [.range(scalar.value...scalar.value)])
  }
  static func ranges(_ ranges: [(Unicode.Scalar, Unicode.Scalar)], negated: Bool = false) -> CharacterClass {
    CharacterClass(items: ranges.map { .range($0.0.value...$0.1.value) }, negated: negated)
  }

  static let word: [(Unicode.Scalar, Unicode.Scalar)] = [("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z")]
  static let digit: [(Unicode.Scalar, Unicode.Scalar)] = [("0", "9")]
  static let space: [(Unicode.Scalar, Unicode.Scalar)] = [("\t", "\n"), ("\u{c}", "\r"), (" ", " ")]

  /// The names of `[[:name:]]`, ASCII only as in RE2.
  static let posix: [String: [(Unicode.Scalar, Unicode.Scalar)]] = [
    "alnum": [("0", "9"), ("A", "Z"), ("a", "z")], "alpha": [("A", "Z"), ("a", "z")],
    "ascii": [("\0", "\u{7f}")], "blank": [("\t", "\t"), (" ", " ")],
    "cntrl": [("\0", "\u{1f}"), ("\u{7f}", "\u{7f}")], "digit": digit, "graph": [("!", "~")],
    "lower": [("a", "z")], "print": [(" ", "~")], "punct": [("!", "/"), (":", "@"), ("[", "`"), ("{", "~")],
    "space": [("\t", "\r"), (" ", " ")], "upper": [("A", "Z")], "word": word,
    "xdigit": [("0", "9"), ("A", "F"), ("a", "f")],
  ]

  /// The categories of `\p{L}`, `\p{Lu}` and so on; nil for names that are none.
  static func categories(named name: String) -> Set<Unicode.GeneralCategory>? {
    let all: [(String, Unicode.GeneralCategory)] = [
      ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter), ("Lm", .modifierLetter),
      ("Lo", .otherLetter), ("Mn", .nonspacingMark), ("Mc", .spacingMark), ("Me", .enclosingMark),
      ("Nd", .decimalNumber), ("Nl", .letterNumber), ("No", .otherNumber), ("Pc", .connectorPunctuation),
      ("Pd", .dashPunctuation), ("Ps", .openPunctuation), ("Pe", .closePunctuation), ("Pi", .initialPunctuation),
      ("Pf", .finalPunctuation), ("Po", .otherPunctuation), ("Sm", .mathSymbol), ("Sc", .currencySymbol),
      ("Sk", .modifierSymbol), ("So", .otherSymbol), ("Zs", .spaceSeparator), ("Zl", .lineSeparator),
      ("Zp", .paragraphSeparator), ("Cc", .control), ("Cf", .format), ("Co", .privateUse), ("Cs", .surrogate),
      ("Cn", .unassigned),
    ]
    let found = all.filter { $0.0 == name || (name.count == 1 && $0.0.hasPrefix(name)) }.map(\.1)
    return found.isEmpty ? nil : Set(found)
  }
}
