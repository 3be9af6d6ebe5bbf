/// A parsed expression.
indirect enum CELExpression: Sendable {
  /// What a macro does with the elements of its range.
  enum Macro: String, Sendable {
    case all, exists, exists_one, filter, map
  }

  case literal(CELValue)
  case identifier(String)
  /// `a.b`, and `a.?b` when optional.
  case select(CELExpression, field: String, isOptional: Bool)
  /// `has(a.b)`
  case has(CELExpression, field: String)
  /// `a[b]`, and `a[?b]` when optional.
  case index(CELExpression, CELExpression, isOptional: Bool)
  case call(String, target: CELExpression?, [CELExpression])
  /// `[a, ?b]`
  case list([(value: CELExpression, isOptional: Bool)])
  /// `{a: b, ?c: d}`
  case map([(key: CELExpression, value: CELExpression, isOptional: Bool)])
  case not(CELExpression)
  case negate(CELExpression)
  case binary(String, CELExpression, CELExpression)
  case and(CELExpression, CELExpression)
  case or(CELExpression, CELExpression)
  case conditional(CELExpression, CELExpression, CELExpression)
  /// `range.all(variable, body)` and its kin; `filter` is only for the three-argument form of map.
  case comprehension(Macro, range: CELExpression, variable: String, filter: CELExpression?, body: CELExpression)
  /// `cel.bind(name, value, body)`; with `isOptional`, `value.optMap(name, body)` and `optFlatMap`.
  case bind(String, CELExpression, body: CELExpression)
  case optionalMap(CELExpression, variable: String, body: CELExpression, flattens: Bool)
}
