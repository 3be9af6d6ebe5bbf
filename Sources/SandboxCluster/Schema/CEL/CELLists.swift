/// Lists: the Kubernetes lists library and what the language's extension adds.
enum CELLists {
  static let names: Set<String> = [
    "sum", "min", "max", "isSorted", "indexOf", "lastIndexOf", "distinct", "sort", "reverse", "flatten", "slice",
    "join",
    "first", "last",
  ]

  static func member(_ name: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
    guard case .list(let elements)? = arguments.first else { return nil }
    let rest = Array(arguments.dropFirst())
    switch (name, rest.count) {
    case ("sum", 0): return try sum(elements)
    case ("min", 0): return try extreme(elements, "min") { $0 < 0 }
    case ("max", 0): return try extreme(elements, "max") { $0 > 0 }
    case ("isSorted", 0):
      for (left, right) in zip(elements, elements.dropFirst()) {
        guard let order = left.compare(with: right) else { throw .noOverload("isSorted") }
        if order > 0 { return .bool(false) }
      }
      return .bool(true)
    case ("indexOf", 1): return .int(Int64(elements.firstIndex { $0.isEqual(to: rest[0]) } ?? -1))
    case ("lastIndexOf", 1): return .int(Int64(elements.lastIndex { $0.isEqual(to: rest[0]) } ?? -1))
    case ("distinct", 0):
      var seen: [CELValue] = []
      for element in elements where !seen.contains(where: { $0.isEqual(to: element) }) { seen.append(element) }
      return .list(seen)
    case ("sort", 0):
      for (left, right) in zip(elements, elements.dropFirst()) where left.compare(with: right) == nil {
        throw .noOverload("sort")
      }
      return .list(elements.sorted { ($0.compare(with: $1) ?? 0) < 0 })
    case ("reverse", 0): return .list(elements.reversed())
    case ("flatten", 0):
      return .list(
        elements.flatMap { element -> [CELValue] in
          if case .list(let inner) = element { return inner }
          return [element]
        })
    case ("first", 0): return .optional(elements.first)
    case ("last", 0): return .optional(elements.last)
    case ("slice", 2):
      guard case .int(let start) = rest[0], case .int(let end) = rest[1] else { return nil }
      guard start >= 0, start <= end, end <= elements.count else { throw CELError("index out of bounds: \(end)") }
      return .list(Array(elements[Int(start)..<Int(end)]))
    case ("join", 0...1):
      var separator = ""
      if case .string(let text)? = rest.first { separator = text }
      var parts: [String] = []
      for element in elements {
        guard case .string(let text) = element else { throw .noOverload("join") }
        parts.append(text)
      }
      return .string(parts.joined(separator: separator))
    default: return nil
    }
  }

  private static func sum(_ elements: [CELValue]) throws(CELError) -> CELValue {
    guard var total = elements.first else { return .int(0) }
    for element in elements.dropFirst() { total = try CELOperators.binary("+", total, element) }
    return total
  }

  private static func extreme(
    _ elements: [CELValue], _ name: String, _ wins: (Int) -> Bool
  ) throws(CELError) -> CELValue {
    guard var best = elements.first else { throw CELError("\(name) called on empty list") }
    for element in elements.dropFirst() {
      guard let order = element.compare(with: best) else { throw .noOverload(name) }
      if wins(order) { best = element }
    }
    return best
  }
}
