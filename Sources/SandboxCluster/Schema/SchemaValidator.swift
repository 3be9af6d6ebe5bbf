import KubernetesModels

extension StructuralSchema {
  /// Everything wrong with an object.
  ///
  /// On an update, parts that are as they were in `old` are let through even when the schema would now refuse them (validation
  /// ratcheting), and CEL transition rules compare with `oldSelf`.
  func validate(_ new: JSONValue, old: JSONValue?) -> [FieldError] {
    var validator = SchemaValidator()
    validator.validate(new, old: old, against: root, path: "", isResource: true)
    guard root.hasRulesInside else { return validator.errors }
    let blocking: Set<FieldError.Reason> = [.required, .typeInvalid, .tooLong, .tooMany]
    if validator.errors.contains(where: { blocking.contains($0.reason) }) {
      let detail =
        "some validation rules were not checked because the object was invalid; "
        + "correct the existing errors to complete validation"
      return validator.errors + [FieldError(path: "", reason: .invalid, value: "null", detail: detail)]
    }
    var rules = RuleRunner()
    rules.run(new, old: old, against: root, path: "", isResource: true)
    return validator.errors + rules.errors
  }
}

/// Walks a value along its schema and collects what is wrong.
struct SchemaValidator {
  private(set) var errors: [FieldError] = []

  mutating func validate(
    _ value: JSONValue, old: JSONValue?, against site: SchemaNode, path: String, isResource: Bool = false
  ) {
    if let old, old == value { return }
    let node = site.resolved
    if value.isNull {
      if !(node.nullable || site.nullable || node.isGoType || node.types.isEmpty && !node.isIntOrString) {
        typeError(value, node, path)
      }
      return
    }
    guard hasRightType(value, node) else { return typeError(value, node, path) }
    if let allowed = node.enumeration ?? site.enumeration, !allowed.contains(where: { $0.isEquivalent(to: value) }) {
      errors.append(.notSupported(path, value, supported: allowed))
    }
    switch value {
    case .string(let text): checkString(text, node, path)
    case .integer(let number): checkNumber(Double(number), value, node, path)
    case .double(let number): checkNumber(number, value, node, path)
    case .array(let elements): checkArray(elements, old: old?.arrayValue, site, path)
    case .object(let fields): checkObject(fields, old: old, node, path, isResource: isResource)
    case .null, .bool: break
    }
    checkCombinations(value, node, path)
  }

  private func hasRightType(_ value: JSONValue, _ node: SchemaNode) -> Bool {
    if node.isIntOrString {
      switch value {
      case .integer, .string: return true
      default: return false
      }
    }
    guard !node.types.isEmpty else { return true }
    return node.types.contains { type in
      switch (type, value) {
      case (.object, .object), (.array, .array), (.string, .string), (.boolean, .bool), (.null, .null): true
      case (.integer, .integer), (.number, .integer), (.number, .double): true
      case (.integer, .double(let number)): number.rounded() == number && abs(number) < 9.2e18
      default: false
      }
    }
  }

  private mutating func typeError(_ value: JSONValue, _ node: SchemaNode, _ path: String) {
    let wanted =
      node.isIntOrString
      ? "integer,string" : node.types.filter { $0 != .null }.map(\.rawValue).joined(separator: ",")
    let actual = "\"\(value.typeName)\""
    errors.append(
      FieldError(
        path: path, reason: .typeInvalid, value: actual, detail: "\(path) in body must be of type \(wanted): \(actual)")
    )
  }

  private mutating func checkString(_ text: String, _ node: SchemaNode, _ path: String) {
    let bounds = node.bounds
    if bounds.minLength != nil || bounds.maxLength != nil {
      let length = text.unicodeScalars.count
      if let minimum = bounds.minLength, length < minimum {
        errors.append(
          .invalid(path, .string(text), "\(path) in body should be at least \(minimum) chars long"))
      }
      if let maximum = bounds.maxLength, length > maximum {
        errors.append(
          FieldError(path: path, reason: .tooLong, detail: "may not be more than \(maximum) bytes"))
      }
    }
    if let pattern = bounds.pattern, bounds.compiledPattern?.matches(text) == false {
      errors.append(.invalid(path, .string(text), "\(path) in body should match '\(pattern)'"))
    }
    if let format = node.format, !StringFormat.accepts(text, format: format) {
      errors.append(
        .invalid(path, .string(text), "\(path) in body must be of type \(format): \(FieldError.render(.string(text)))"))
    }
  }

  private mutating func checkNumber(_ number: Double, _ value: JSONValue, _ node: SchemaNode, _ path: String) {
    let bounds = node.bounds
    func text(_ bound: Double) -> String {
      bound == bound.rounded() && abs(bound) < 1e15 ? String(Int64(bound)) : String(bound)
    }
    if let minimum = bounds.minimum, number < minimum || (bounds.exclusiveMinimum && number == minimum) {
      let relation = bounds.exclusiveMinimum ? "greater than" : "greater than or equal to"
      errors.append(.invalid(path, value, "\(path) in body should be \(relation) \(text(minimum))"))
    }
    if let maximum = bounds.maximum, number > maximum || (bounds.exclusiveMaximum && number == maximum) {
      let relation = bounds.exclusiveMaximum ? "less than" : "less than or equal to"
      errors.append(.invalid(path, value, "\(path) in body should be \(relation) \(text(maximum))"))
    }
    if let factor = bounds.multipleOf, factor != 0 {
      let quotient = number / factor
      if abs(quotient - quotient.rounded()) > 1e-9 * max(1, abs(quotient)) {
        errors.append(.invalid(path, value, "\(path) in body should be a multiple of \(text(factor))"))
      }
    }
    if node.format == "int32", number < -2_147_483_648 || number > 2_147_483_647 {
      errors.append(.invalid(path, value, "\(path) in body must be of type int32: \"int64\""))
    }
  }

  private mutating func checkArray(_ elements: [JSONValue], old: [JSONValue]?, _ site: SchemaNode, _ path: String) {
    let node = site.resolved
    let bounds = node.bounds
    if let minimum = bounds.minItems, elements.count < minimum {
      errors.append(
        .invalid(path, .integer(Int64(elements.count)), "\(path) in body should have at least \(minimum) items"))
    }
    if let maximum = bounds.maxItems, elements.count > maximum {
      errors.append(
        FieldError(
          path: path, reason: .tooMany, value: String(elements.count), detail: "must have at most \(maximum) items"))
    }
    let identity = ListIdentity(node)
    let oldByKey = identity.index(old ?? [])
    var seen: Set<JSONValue> = []
    for (index, element) in elements.enumerated() {
      let childPath = FieldPath.index(path, index)
      let key = identity.key(of: element)
      if let key, !seen.insert(key).inserted { errors.append(.duplicate(childPath, key)) }
      if let items = node.items {
        validate(element, old: key.flatMap { oldByKey[$0] }, against: items, path: childPath)
      }
    }
    if bounds.uniqueItems, node.listType == nil, Set(elements).count != elements.count {
      errors.append(.invalid(path, .array(elements), "\(path) in body shouldn't contain duplicates"))
    }
  }

  private mutating func checkObject(
    _ fields: [String: JSONValue], old: JSONValue?, _ node: SchemaNode, _ path: String, isResource: Bool
  ) {
    let bounds = node.bounds
    if let minimum = bounds.minProperties, fields.count < minimum {
      errors.append(
        .invalid(path, .integer(Int64(fields.count)), "\(path) in body should have at least \(minimum) properties"))
    }
    if let maximum = bounds.maxProperties, fields.count > maximum {
      errors.append(
        FieldError(
          path: path, reason: .tooMany, value: String(fields.count), detail: "must have at most \(maximum) items"))
    }
    for name in node.required where fields[name] == nil || (node.isGoType && fields[name]?.isNull == true) {
      errors.append(.required(FieldPath.child(path, name)))
    }
    if node.isEmbeddedResource {
      for name in ["apiVersion", "kind"] where fields[name]?.stringValue?.isEmpty ?? true {
        errors.append(.required(FieldPath.child(path, name), "must not be empty"))
      }
    }
    for name in fields.keys.sorted() {
      guard let value = fields[name] else { continue }
      if let child = node.child(name) {
        validate(value, old: old?[name], against: child, path: FieldPath.child(path, name))
      } else if case .forbidden = node.additional, !(isResource && name == "metadata") {
        errors.append(
          .forbidden(FieldPath.child(path, name), "\(path).\(name) in body is a forbidden property"))
      }
    }
  }

  private mutating func checkCombinations(_ value: JSONValue, _ node: SchemaNode, _ path: String) {
    let quoted = "\"\(path)\""
    func problems(_ schema: SchemaNode) -> [FieldError] {
      var validator = SchemaValidator()
      validator.validate(value, old: nil, against: schema, path: path)
      return validator.errors
    }
    for schema in node.allOf { errors += problems(schema) }
    if !node.anyOf.isEmpty {
      let attempts = node.anyOf.map(problems)
      if !attempts.contains(where: \.isEmpty) {
        combinationError(path, "\(quoted) must validate at least one schema (anyOf)")
        errors += attempts.min { $0.count < $1.count } ?? []
      }
    }
    if !node.oneOf.isEmpty {
      let attempts = node.oneOf.map(problems)
      let matching = attempts.count(where: \.isEmpty)
      if matching == 0 {
        combinationError(path, "\(quoted) must validate one and only one schema (oneOf). Found none valid")
        errors += attempts.min { $0.count < $1.count } ?? []
      } else if matching > 1 {
        combinationError(
          path, "\(quoted) must validate one and only one schema (oneOf). Found \(matching) valid alternatives")
      }
    }
    if let not = node.not, problems(not).isEmpty {
      combinationError(path, "\(quoted) must not validate the schema (not)")
    }
  }

  private mutating func combinationError(_ path: String, _ detail: String) {
    errors.append(FieldError(path: path, reason: .invalid, value: "\"\"", detail: detail))
  }
}

/// Tells list entries apart as x-kubernetes-list-type says.
struct ListIdentity {
  private let type: ListType?
  private let items: SchemaNode?

  init(_ list: SchemaNode) {
    type = list.resolved.listType ?? list.listType
    items = list.resolved.items?.resolved
  }

  /// The entry's identity: its keys with defaults (map) or itself (set); nil in an atomic list or when a key is missing.
  func key(of element: JSONValue) -> JSONValue? {
    switch type {
    case .set?: return element
    case .map(let keys)?:
      var found: [String: JSONValue] = [:]
      for key in keys {
        if let value = element[key] ?? items?.properties[key]?.defaultValue { found[key] = value }
      }
      return found.isEmpty ? Optional.none : .object(found)
    case .atomic?, nil: return nil
    }
  }

  var isMap: Bool {
    if case .map? = type { return true }
    return false
  }

  /// Entries by identity, for finding an entry's former self; sets and atomic lists have none.
  func index(_ elements: [JSONValue]) -> [JSONValue: JSONValue] {
    guard case .map? = type else { return [:] }
    return Dictionary(
      elements.compactMap { element in key(of: element).map { ($0, element) } }, uniquingKeysWith: { first, _ in first }
    )
  }
}
