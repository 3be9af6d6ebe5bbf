import KubernetesModels

/// One thing wrong with one field, in the words of the API server (apimachinery field.Error).
struct FieldError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The cause type that `Status.details.causes[].reason` carries.
  enum Reason: String, Sendable {
    case required = "FieldValueRequired"
    case invalid = "FieldValueInvalid"
    case notSupported = "FieldValueNotSupported"
    case typeInvalid = "FieldValueTypeInvalid"
    case forbidden = "FieldValueForbidden"
    case duplicate = "FieldValueDuplicate"
    case tooLong = "FieldValueTooLong"
    case tooMany = "FieldValueTooMany"
    case notFound = "FieldValueNotFound"
    case internalError = "InternalError"

    var label: String {
      switch self {
      case .required: "Required value"
      case .invalid, .typeInvalid: "Invalid value"
      case .notSupported: "Unsupported value"
      case .forbidden: "Forbidden"
      case .duplicate: "Duplicate value"
      case .tooLong: "Too long"
      case .tooMany: "Too many"
      case .notFound: "Not found"
      case .internalError: "Internal error"
      }
    }
  }

  /// Such as `spec.containers[0].image`; `<nil>` for the object as a whole.
  var path: String
  var reason: Reason
  /// The offending value as text, strings quoted; nil when the message shows none.
  var value: String?
  /// What the field should be instead.
  var detail: String

  init(path: String, reason: Reason, value: String? = nil, detail: String = "") {
    self.path = path.isEmpty ? "<nil>" : path
    self.reason = reason
    self.value = value
    self.detail = detail
  }

  /// Without the path, as a `Status` cause has it: `Invalid value: 20: must be less than 10`.
  var message: String {
    var parts = [reason.label]
    switch reason {
    case .required, .forbidden, .tooLong, .internalError: break
    default: if let value { parts.append(value) }
    }
    if !detail.isEmpty { parts.append(detail) }
    return parts.joined(separator: ": ")
  }

  var description: String { "\(path): \(message)" }

  static func required(_ path: String, _ detail: String = "") -> FieldError {
    FieldError(path: path, reason: .required, detail: detail)
  }
  static func invalid(_ path: String, _ value: JSONValue, _ detail: String) -> FieldError {
    FieldError(path: path, reason: .invalid, value: render(value), detail: detail)
  }
  static func notSupported(_ path: String, _ value: JSONValue, supported: [JSONValue]) -> FieldError {
    FieldError(
      path: path, reason: .notSupported, value: render(value),
      detail: "supported values: " + supported.map(render).joined(separator: ", "))
  }
  static func duplicate(_ path: String, _ value: JSONValue) -> FieldError {
    FieldError(path: path, reason: .duplicate, value: render(value))
  }
  static func forbidden(_ path: String, _ detail: String) -> FieldError {
    FieldError(path: path, reason: .forbidden, detail: detail)
  }

  /// A value as messages show it: a quoted string, a bare number, JSON for the rest.
  static func render(_ value: JSONValue) -> String {
    value.serializedString()
  }
}

/// Joins path parts as kubectl shows them.
enum FieldPath {
  static func child(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
  static func index(_ path: String, _ index: Int) -> String { "\(path)[\(index)]" }
  static func key(_ path: String, _ key: String) -> String { "\(path)[\(key)]" }
}
