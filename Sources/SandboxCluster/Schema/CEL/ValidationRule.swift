import KubernetesModels

/// One entry of x-kubernetes-validations, parsed.
struct ValidationRule: Sendable {
  let text: String
  /// What is wrong with the rule itself; such a rule refuses every object.
  let problem: CELError?
  let message: String?
  let reason: FieldError.Reason
  /// Such as `.spec.replicas` or `['a.b']`, relative to where the rule stands.
  let fieldPath: String?
  let hasOptionalOldSelf: Bool
  let usesOldSelf: Bool
  let expression: CELExpression?
  private let messageExpression: CELExpression?

  init(_ json: JSONValue) {
    text = json["rule"]?.stringValue ?? ""
    message = json["message"]?.stringValue
    reason = json["reason"]?.stringValue.flatMap(FieldError.Reason.init(rawValue:)) ?? .invalid
    fieldPath = json["fieldPath"]?.stringValue
    hasOptionalOldSelf = json["optionalOldSelf"]?.boolValue ?? false
    let messageText = json["messageExpression"]?.stringValue
    var parsed: (rule: CELExpression?, message: CELExpression?)
    var problem: CELError?
    do throws(CELError) {
      parsed.rule = try CELParser.parse(text)
      if let messageText { parsed.message = try CELParser.parse(messageText) }
    } catch {
      parsed = (nil, nil)
      problem = error
    }
    (expression, messageExpression) = parsed
    self.problem = problem
    usesOldSelf = Self.mentionsOldSelf(text) || messageText.map(Self.mentionsOldSelf) == true
  }

  private static func mentionsOldSelf(_ text: String) -> Bool {
    (try? CELLexer.tokens(of: text))?.contains { $0.token == .identifier("oldSelf") } ?? false
  }

  /// What is wrong with the rule for values of this schema; nil when nothing is.
  func problem(for schema: SchemaNode, isResource: Bool) -> CELError? {
    if let problem { return problem }
    for expression in [expression, messageExpression].compactMap({ $0 }) {
      if let problem = CELChecker.problem(in: expression, schema: schema, isResource: isResource) { return problem }
    }
    return nil
  }

  /// The failure, or nil when the rule holds.
  func check(_ value: JSONValue, old: JSONValue?, schema: SchemaNode, path: String) -> FieldError? {
    let place = path + Self.suffix(fieldPath)
    let shown = Self.shown(value)
    func failure(_ reason: FieldError.Reason, _ detail: String) -> FieldError {
      FieldError(
        path: place.hasPrefix(".") ? String(place.dropFirst()) : place, reason: reason, value: shown, detail: detail)
    }
    guard let expression else {
      return failure(.invalid, "compilation failed: \(problem?.message ?? "no rule")")
    }
    var variables = ["self": CELValue(value, schema: schema)]
    if usesOldSelf {
      let former = old.map { CELValue($0, schema: schema) }
      if hasOptionalOldSelf { variables["oldSelf"] = .optional(former) } else { variables["oldSelf"] = former }
    }
    var evaluator = CELEvaluator(variables: variables)
    do {
      switch try evaluator.evaluate(expression) {
      case .bool(true): return nil
      case .bool(false): break
      default: return failure(.invalid, "rule evaluation error: cel expression evaluated to a non-bool value")
      }
    } catch {
      return failure(.invalid, "rule evaluation error: \(error.message)")
    }
    if let messageExpression {
      var evaluator = CELEvaluator(variables: variables)
      if case .string(let text)? = try? evaluator.evaluate(messageExpression), !text.isEmpty, !text.contains("\n") {
        return failure(reason, text)
      }
    }
    return failure(reason, message ?? "failed rule: \(text)")
  }

  private static func suffix(_ fieldPath: String?) -> String {
    guard let fieldPath else { return "" }
    return fieldPath.replacing("['", with: "[").replacing("']", with: "]")
  }

  /// Scalars as they are; of objects and lists only the type.
  private static func shown(_ value: JSONValue) -> String {
    switch value {
    case .object, .array: "\"\(value.typeName)\""
    default: FieldError.render(value)
    }
  }
}

/// Runs every rule of a schema over a value.
struct RuleRunner {
  private(set) var errors: [FieldError] = []

  mutating func run(
    _ value: JSONValue, old: JSONValue?, against node: SchemaNode, path: String, isResource: Bool = false
  ) {
    guard node.hasRulesInside, !value.isNull else { return }
    for rule in node.rules {
      if rule.usesOldSelf {
        // A transition rule needs something to compare with.
        if old == nil, !rule.hasOptionalOldSelf { continue }
      } else if let old, old == value {
        continue
      }
      if let error = rule.check(value, old: old, schema: node, path: path) { errors.append(error) }
    }
    switch value {
    case .object(let fields):
      for name in fields.keys.sorted() {
        guard let child = node.child(name), child.hasRulesInside, let field = fields[name] else { continue }
        let isNamed = node.hasNamedField(name)
        let childPath = isNamed ? FieldPath.child(path, name) : FieldPath.key(path, name)
        run(field, old: old?[name], against: child, path: childPath)
      }
    case .array(let elements):
      guard let items = node.items, items.hasRulesInside else { return }
      let identity = ListIdentity(node)
      let former = identity.index(old?.arrayValue ?? [])
      for (index, element) in elements.enumerated() {
        let old = identity.key(of: element).flatMap { former[$0] }
        run(element, old: old, against: items, path: FieldPath.index(path, index))
      }
    default: break
    }
  }
}
