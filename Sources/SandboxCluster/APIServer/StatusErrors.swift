public import KubernetesModels

/// A refusal in the words of the Kubernetes API: what becomes a `meta/v1 Status` with status "Failure".
public struct APIStatusError: Error, Sendable {
  public var code: Int
  public var reason: String
  public var message: String
  /// `details` of the Status: name, group, kind, causes, retryAfterSeconds.
  public var details: JSONValue?

  public init(code: Int, reason: String, message: String, details: JSONValue? = nil) {
    self.code = code
    self.reason = reason
    self.message = message
    self.details = details
  }

  /// The body of the response.
  public var status: JSONValue {
    var status: JSONValue = [
      "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure",
      "message": .string(message), "reason": .string(reason), "code": .integer(Int64(code)),
    ]
    status["details"] = details
    return status
  }
}

extension APIStatusError {
  static func notFound(_ info: ResourceInfo, _ name: String) -> APIStatusError {
    APIStatusError(
      code: 404, reason: "NotFound", message: "\(info.qualifiedPlural) \"\(name)\" not found",
      details: details(name, info.group, info.plural))
  }

  /// The answer for a path that nothing serves.
  static func noSuchResource() -> APIStatusError {
    APIStatusError(
      code: 404, reason: "NotFound", message: "the server could not find the requested resource", details: [:])
  }

  static func alreadyExists(_ info: ResourceInfo, _ name: String) -> APIStatusError {
    APIStatusError(
      code: 409, reason: "AlreadyExists", message: "\(info.qualifiedPlural) \"\(name)\" already exists",
      details: details(name, info.group, info.plural))
  }

  static func conflict(_ info: ResourceInfo, _ name: String, _ why: String) -> APIStatusError {
    APIStatusError(
      code: 409, reason: "Conflict",
      message: "Operation cannot be fulfilled on \(info.qualifiedPlural) \"\(name)\": \(why)",
      details: details(name, info.group, info.plural))
  }

  static let modifiedMeanwhile =
    "the object has been modified; please apply your changes to the latest version and try again"

  static func invalid(_ info: ResourceInfo, _ name: String, _ errors: [FieldError]) -> APIStatusError {
    let kind = info.group.isEmpty ? info.kind : "\(info.kind).\(info.group)"
    let texts = errors.map { "\($0.path): \($0.message)" }
    let joined = texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]"
    var details = details(name, info.group, info.kind)
    details["causes"] = .array(
      errors.map {
        ["reason": .string($0.reason.rawValue), "message": .string($0.message), "field": .string($0.path)]
      })
    return APIStatusError(
      code: 422, reason: "Invalid", message: "\(kind) \"\(name)\" is invalid: \(joined)", details: details)
  }

  /// Fields of an apply configuration belong to somebody else.
  static func applyConflict(_ conflict: ApplyConflict) -> APIStatusError {
    APIStatusError(
      code: 409, reason: "Conflict", message: conflict.description,
      details: [
        "causes": .array(
          conflict.causes.map {
            ["reason": "FieldManagerConflict", "message": .string($0.message), "field": .string($0.field)]
          })
      ])
  }

  static func badRequest(_ message: String) -> APIStatusError {
    APIStatusError(code: 400, reason: "BadRequest", message: message)
  }

  static func unauthorized() -> APIStatusError {
    APIStatusError(code: 401, reason: "Unauthorized", message: "Unauthorized")
  }

  /// Admission said no: the real server prefixes nothing but the resource and name.
  static func forbidden(_ info: ResourceInfo, _ name: String, _ why: String) -> APIStatusError {
    APIStatusError(
      code: 403, reason: "Forbidden", message: "\(info.qualifiedPlural) \"\(name)\" is forbidden: \(why)",
      details: details(name, info.group, info.plural))
  }

  /// History before this revision is gone: list again.
  static func expired(_ requested: UInt64, current: UInt64) -> APIStatusError {
    APIStatusError(
      code: 410, reason: "Expired", message: "too old resource version: \(requested) (\(current))")
  }

  static func expiredContinue() -> APIStatusError {
    APIStatusError(
      code: 410, reason: "Expired",
      message:
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        + "without the continue parameter, or use the continue token in this response to retrieve the remainder of the results."
    )
  }

  static func tooLarge() -> APIStatusError {
    APIStatusError(
      code: 413, reason: "RequestEntityTooLarge", message: "Request entity too large: limit is 3145728")
  }

  static func unsupportedMediaType(_ type: String, accepted: [String]) -> APIStatusError {
    APIStatusError(
      code: 415, reason: "UnsupportedMediaType",
      message: "the body of the request was in an unknown format - accepted media types include: "
        + accepted.joined(separator: ", ") + " (got \(type))")
  }

  static func notAcceptable(_ accepted: [String]) -> APIStatusError {
    APIStatusError(
      code: 406, reason: "NotAcceptable",
      message: "only the following media types are accepted: " + accepted.joined(separator: ", "))
  }

  static func methodNotAllowed(_ info: ResourceInfo?, _ verb: String) -> APIStatusError {
    APIStatusError(
      code: 405, reason: "MethodNotAllowed",
      message: info.map { "\(verb) is not supported on resources of kind \"\($0.qualifiedPlural)\"" }
        ?? "the server does not allow this method on the requested resource")
  }

  static func tooManyRequests(_ message: String, retryAfter seconds: Int, cause: JSONValue? = nil) -> APIStatusError {
    var details: JSONValue = ["retryAfterSeconds": .integer(Int64(seconds))]
    if let cause { details["causes"] = [cause] }
    return APIStatusError(code: 429, reason: "TooManyRequests", message: message, details: details)
  }

  static func internalError(_ message: String) -> APIStatusError {
    APIStatusError(
      code: 500, reason: "InternalError", message: "Internal error occurred: \(message)",
      details: ["causes": [["message": .string(message)]]])
  }

  private static func details(_ name: String, _ group: String, _ kind: String) -> JSONValue {
    var details: JSONValue = ["kind": .string(kind)]
    if !name.isEmpty { details["name"] = .string(name) }
    if !group.isEmpty { details["group"] = .string(group) }
    return details
  }
}
