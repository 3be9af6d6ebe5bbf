import KubernetesModels

/// A label selector as a query string carries it or as an object's `LabelSelector` states it.
struct LabelSelector: Sendable, Equatable {
  enum Operation: Sendable, Equatable {
    case exists, doesNotExist
    case isIn([String])
    case notIn([String])
    case greaterThan(Int)
    case lessThan(Int)

    /// The same values, wanted instead of unwanted.
    var withoutNegation: Operation {
      if case .notIn(let values) = self { .isIn(values) } else { self }
    }
  }

  struct Requirement: Sendable, Equatable {
    var key: String
    var operation: Operation
  }

  var requirements: [Requirement] = []

  var isEmpty: Bool { requirements.isEmpty }

  func matches(_ labels: [String: JSONValue]?) -> Bool {
    requirements.allSatisfy { requirement in
      let value = labels?[requirement.key]?.stringValue
      switch requirement.operation {
      case .exists: return value != nil
      case .doesNotExist: return value == nil
      case .isIn(let values): return value.map(values.contains) ?? false
      case .notIn(let values): return !(value.map(values.contains) ?? false)
      case .greaterThan(let bound): return value.flatMap { Int($0) }.map { $0 > bound } ?? false
      case .lessThan(let bound): return value.flatMap { Int($0) }.map { $0 < bound } ?? false
      }
    }
  }

  func matches(object: JSONValue) -> Bool {
    isEmpty || matches(object["metadata"]?["labels"]?.objectValue)
  }
}

extension LabelSelector {
  /// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
  init(parsing text: String) throws(APIStatusError) {
    for part in Self.split(text) {
      let requirement = try Self.requirement(part)
      try Self.checkValues(of: requirement)
      requirements.append(requirement)
    }
  }

  /// Reads a `meta/v1 LabelSelector`; an empty one selects everything, a missing one (nil) nothing.
  init?(object: JSONValue?) {
    guard let object else { return nil }
    for (key, value) in object["matchLabels"]?.objectValue ?? [:] {
      requirements.append(Requirement(key: key, operation: .isIn([value.stringValue ?? ""])))
    }
    for expression in object["matchExpressions"]?.arrayValue ?? [] {
      let key = expression["key"]?.stringValue ?? ""
      let values = expression["values"]?.arrayValue?.compactMap(\.stringValue) ?? []
      switch expression["operator"]?.stringValue {
      case "In": requirements.append(Requirement(key: key, operation: .isIn(values)))
      case "NotIn": requirements.append(Requirement(key: key, operation: .notIn(values)))
      case "Exists": requirements.append(Requirement(key: key, operation: .exists))
      default: requirements.append(Requirement(key: key, operation: .doesNotExist))
      }
    }
  }

  /// The query-string form, sorted by key.
  var text: String {
    requirements.sorted { $0.key < $1.key }.map { requirement in
      switch requirement.operation {
      case .exists: requirement.key
      case .doesNotExist: "!\(requirement.key)"
      case .isIn(let values) where values.count == 1: "\(requirement.key)=\(values[0])"
      case .isIn(let values): "\(requirement.key) in (\(values.sorted().joined(separator: ",")))"
      case .notIn(let values): "\(requirement.key) notin (\(values.sorted().joined(separator: ",")))"
      case .greaterThan(let bound): "\(requirement.key)>\(bound)"
      case .lessThan(let bound): "\(requirement.key)<\(bound)"
      }
    }.joined(separator: ",")
  }

  /// Splits at commas outside parentheses.
  private static func split(_ text: String) -> [String] {
    var parts: [String] = []
    var current = ""
    var depth = 0
    for character in text {
      switch character {
      case "(": depth += 1
      case ")": depth -= 1
      case "," where depth == 0:
        parts.append(current)
        current = ""
        continue
      default: break
      }
      current.append(character)
    }
    parts.append(current)
    return parts.map(trimmed).filter { !$0.isEmpty }
  }

  private static func requirement(_ part: String) throws(APIStatusError) -> Requirement {
    if part.hasPrefix("!") {
      return Requirement(key: try key(String(part.dropFirst())), operation: .doesNotExist)
    }
    if part.hasSuffix(")"), let open = part.firstIndex(of: "(") {
      let values = part[part.index(after: open)...].dropLast().split(separator: ",", omittingEmptySubsequences: false)
        .map { trimmed(String($0)) }
      let words = part[..<open].split(separator: " ").map(String.init)
      if words.count == 2, words[1] == "in" { return Requirement(key: try key(words[0]), operation: .isIn(values)) }
      if words.count == 2, words[1] == "notin" {
        return Requirement(key: try key(words[0]), operation: .notIn(values))
      }
      throw APIStatusError.badRequest("unable to parse requirement: found '\(part)', expected: in, notin")
    }
    for (token, make) in Self.tokens {
      guard let (left, right) = cut(part, token) else { continue }
      guard let operation = make(trimmed(right)) else {
        throw APIStatusError.badRequest(
          "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer")
      }
      return Requirement(key: try key(left), operation: operation)
    }
    return Requirement(key: try key(part), operation: .exists)
  }

  private static func checkValues(of requirement: Requirement) throws(APIStatusError) {
    guard case .isIn(let values) = requirement.operation.withoutNegation else { return }
    for (index, value) in values.enumerated() {
      guard let why = NameRules.labelValueError(value) else { continue }
      throw APIStatusError.badRequest(
        "unable to parse requirement: values[\(index)][\(requirement.key)]: Invalid value: \"\(value)\": \(why)")
    }
  }

  private static let tokens: [(String, @Sendable (String) -> Operation?)] = [
    ("!=", { .notIn([$0]) }), ("==", { .isIn([$0]) }), ("=", { .isIn([$0]) }),
    (">", { Int($0).map(Operation.greaterThan) }), ("<", { Int($0).map(Operation.lessThan) }),
  ]

  private static func key(_ text: String) throws(APIStatusError) -> String {
    let key = trimmed(text)
    if let why = NameRules.qualifiedNameError(key) {
      throw APIStatusError.badRequest("unable to parse requirement: <nil>: Invalid value: \"\(key)\": \(why)")
    }
    return key
  }
}

/// Both sides of the first place where `token` stands.
func cut(_ text: String, _ token: String) -> (String, String)? {
  guard let range = text.firstRange(of: token) else { return nil }
  return (String(text[..<range.lowerBound]), String(text[range.upperBound...]))
}

/// Without spaces at both ends.
func trimmed(_ text: String) -> String {
  var slice = Substring(text)
  while slice.first?.isWhitespace == true { slice.removeFirst() }
  while slice.last?.isWhitespace == true { slice.removeLast() }
  return String(slice)
}
