import KubernetesModels

/// `additionalPrinterColumns` as table columns (apiextensions.k8s.io: CustomResourceColumnDefinition).
enum CustomColumns {
  static func columns(_ version: JSONValue) -> [TableColumn] {
    let defined = version.itemsAt("additionalPrinterColumns")
    guard !defined.isEmpty else { return TableColumn.nameAndAge }
    return [.name] + defined.map(column)
  }

  private static func column(_ definition: JSONValue) -> TableColumn {
    let path = SimplePath(definition.textAt("jsonPath") ?? "")
    let type = definition.textAt("type") ?? "string"
    return TableColumn(
      definition.textAt("name") ?? "", type: type, format: definition.textAt("format") ?? "",
      priority: definition.intAt("priority") ?? 0, description: definition.textAt("description") ?? ""
    ) { object in
      guard let value = path.first(in: object) else { return .null }
      return cell(value, type)
    }
  }

  private static func cell(_ value: JSONValue, _ type: String) -> JSONValue {
    switch type {
    case "date": return .string(Age.text(since: value.stringValue))
    case "integer", "number", "boolean": return value
    default:
      if case .string = value { return value }
      return value.isNull ? .null : .string(value.serializedString())
    }
  }
}

/// The part of JSONPath that printer columns use: `.status.conditions[?(@.type=="Ready")].status`,
/// `.spec.ports[0].port`,
/// `.metadata.labels['a\.b']`.
struct SimplePath: Sendable {
  private enum Step: Sendable {
    case member(String)
    case index(Int)
    case all
    case filter(path: [String], value: String, isEqual: Bool)
  }

  private var steps: [Step] = []

  init(_ text: String) {
    var rest = Substring(text)
    if rest.hasPrefix("$") { rest.removeFirst() }
    while let character = rest.first {
      if character == "." {
        rest.removeFirst()
        let name = Self.takeName(&rest)
        if !name.isEmpty { steps.append(name == "*" ? .all : .member(name)) }
      } else if character == "[", let end = Self.closing(rest) {
        addBracket(rest[rest.index(after: rest.startIndex)..<end])
        rest = rest[rest.index(after: end)...]
      } else {
        let name = Self.takeName(&rest)
        if name.isEmpty { return }
        steps.append(.member(name))
      }
    }
  }

  private static func takeName(_ rest: inout Substring) -> String {
    var name = ""
    while let character = rest.first, character != ".", character != "[" {
      rest.removeFirst()
      if character == "\\", let escaped = rest.first {
        name.append(escaped)
        rest.removeFirst()
      } else {
        name.append(character)
      }
    }
    return name
  }

  /// The bracket that closes the first one, outside quotes.
  private static func closing(_ text: Substring) -> Substring.Index? {
    var depth = 0
    var quote: Character?
    for index in text.indices {
      let character = text[index]
      if let open = quote {
        if character == open { quote = nil }
        continue
      }
      switch character {
      case "'", "\"": quote = character
      case "[": depth += 1
      case "]":
        depth -= 1
        if depth == 0 { return index }
      default: break
      }
    }
    return nil
  }

  private mutating func addBracket(_ inside: Substring) {
    if let index = Int(inside) { return steps.append(.index(index)) }
    if inside == "*" { return steps.append(.all) }
    if inside.hasPrefix("?(@"), inside.hasSuffix(")") {
      let condition = String(inside.dropFirst(3).dropLast())
      guard let (left, right) = cut(condition, "==") ?? cut(condition, "!=") else { return }
      let value = trimmed(right).trimmingQuotes
      let path = trimmed(left).split(separator: ".").map(String.init)
      return steps.append(.filter(path: path, value: value, isEqual: cut(condition, "==") != nil))
    }
    steps.append(.member(String(inside).trimmingQuotes.replacing("\\.", with: ".")))
  }

  /// The first value that the path leads to.
  func first(in object: JSONValue) -> JSONValue? {
    Self.walk([object], steps[...]).first
  }

  private static func walk(_ values: [JSONValue], _ steps: ArraySlice<Step>) -> [JSONValue] {
    guard let step = steps.first else { return values }
    let next = values.flatMap { value -> [JSONValue] in
      switch step {
      case .member(let name): return value[name].map { [$0] } ?? []
      case .index(let index):
        let items = value.arrayValue ?? []
        let position = index < 0 ? items.count + index : index
        return items.indices.contains(position) ? [items[position]] : []
      case .all: return value.arrayValue ?? value.objectValue.map { Array($0.values) } ?? []
      case .filter(let path, let wanted, let isEqual):
        return (value.arrayValue ?? []).filter { item in
          let found = item.value(at: path).map { $0.stringValue ?? $0.serializedString() }
          return (found == wanted) == isEqual
        }
      }
    }
    return walk(next, steps.dropFirst())
  }
}

extension String {
  fileprivate var trimmingQuotes: String {
    guard count >= 2, let first, first == last, first == "'" || first == "\"" else { return self }
    return String(dropFirst().dropLast())
  }
}
