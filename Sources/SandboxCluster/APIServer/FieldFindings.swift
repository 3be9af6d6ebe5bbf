import KubernetesModels

/// Collects the field errors of one object while its rules are checked.
struct FieldFindings: Sendable {
  private(set) var errors: [FieldError] = []

  mutating func add(_ errors: [FieldError]) { self.errors += errors }

  mutating func required(_ path: String, _ detail: String = "") {
    errors.append(.required(path, detail))
  }

  mutating func invalid(_ path: String, _ value: JSONValue?, _ detail: String) {
    errors.append(.invalid(path, value ?? .null, detail))
  }

  mutating func notSupported(_ path: String, _ value: JSONValue?, _ supported: [String]) {
    errors.append(.notSupported(path, value ?? .null, supported: supported.sorted().map(JSONValue.string)))
  }

  mutating func forbidden(_ path: String, _ detail: String) {
    errors.append(.forbidden(path, detail))
  }

  mutating func duplicate(_ path: String, _ value: JSONValue?) {
    errors.append(.duplicate(path, value ?? .null))
  }

  mutating func notFound(_ path: String, _ value: JSONValue?) {
    errors.append(FieldError(path: path, reason: .notFound, value: FieldError.render(value ?? .null)))
  }

  mutating func tooLong(_ path: String, limit: Int) {
    errors.append(FieldError(path: path, reason: .tooLong, detail: "may not be more than \(limit) bytes"))
  }

  /// Reports a change of a field that must stay what it was.
  mutating func immutable(_ path: String, _ new: JSONValue?, _ old: JSONValue?) {
    if new != old { invalid(path, new, "field is immutable") }
  }

  /// Requires one of some values where there is a value at all.
  mutating func oneOf(_ path: String, _ value: JSONValue?, _ supported: [String]) {
    guard let value, !value.isNull else { return }
    if !supported.contains(value.stringValue ?? "") { notSupported(path, value, supported) }
  }

  /// Requires a number of at least `minimum` where there is one.
  mutating func atLeast(_ path: String, _ value: JSONValue?, _ minimum: Int) {
    guard let number = value?.intValue, number < minimum else { return }
    invalid(path, value, "must be greater than or equal to \(minimum)")
  }
}
