import KubernetesModels

extension KubernetesError {
  /// Makes an error of an answer whose status is no success.
  /// - Throws: what the body's transfer throws.
  static func refusal(_ response: KubernetesResponse, of request: KubernetesRequest) async throws -> KubernetesError {
    // A refusal is a short Status; whatever is longer comes from something that is not an API server.
    let limit = 4 << 20
    let bytes: [UInt8]
    if request.timeout == nil {
      let body = response.body
      bytes = try await withTimeout(.seconds(30), or: .timeout("\(request.path): the refusal did not arrive whole")) {
        try await body.collect(upTo: limit)
      }
    } else {
      bytes = try await response.body.collect(upTo: limit)
    }
    let retryAfter = response.header("Retry-After").flatMap { Int64($0) }
    guard let object = try? JSONValue(parsing: bytes), object["kind"]?.stringValue == "Status" else {
      return KubernetesError(statusObject: substitute(for: response, bytes, request), code: response.status, retryAfter)
    }
    return KubernetesError(statusObject: object, code: response.status, retryAfter)
  }

  /// Reads a `Status`, and fills in the code and the waiting time where only the HTTP head has them.
  init(statusObject: JSONValue, code: Int, _ retryAfter: Int64? = nil) {
    var object = statusObject
    if object["code"]?.intValue ?? 0 == 0 { object["code"] = .integer(Int64(code)) }
    if let retryAfter, object.value(at: ["details", "retryAfterSeconds"])?.intValue ?? 0 == 0 {
      object.set(.integer(retryAfter), at: ["details", "retryAfterSeconds"])
    }
    do {
      self = .api(try object.decode(Status.self))
    } catch {
      self = .decoding("the server's refusal (HTTP \(code)) is a Status that does not fit its type: \(error)")
    }
  }

  /// Proxies and load balancers refuse in HTML or plain text: the first line of it helps more than nothing.
  private static func substitute(
    for response: KubernetesResponse, _ bytes: [UInt8], _ request: KubernetesRequest
  ) -> JSONValue {
    let firstLine = String(decoding: bytes.prefix(200), as: UTF8.self).split(whereSeparator: \.isNewline).first
    var message = "\(request.method.rawValue) \(request.path): HTTP \(response.status)"
    if let firstLine { message += ", " + String(firstLine) }
    return [
      "apiVersion": "v1", "kind": "Status", "status": "Failure", "message": .string(message),
      "code": .integer(Int64(response.status)),
    ]
  }
}
