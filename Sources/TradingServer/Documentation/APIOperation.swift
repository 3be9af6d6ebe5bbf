/// One method of one path of the API.
struct APIOperation {
  enum Access { case everyone, trader, admin }

  struct Answer {
    let description: String
    /// Nil for an answer without a body, and for one that is no JSON.
    let schema: String?
    var mediaType = "application/json"
  }

  struct Parameter {
    let name, description: String
    var schema = APISchema.string
  }

  let method, path, summary: String
  var access = Access.trader
  var query: [Parameter] = []
  /// The name of the body's schema.
  var body: String?
  /// What it answers when all is well, by status.
  let answers: [Int: Answer]
  /// What else it may say, each with an `Error` as its body.
  var errors: [Int] = []

  private static let errorTexts: [Int: String] = [
    400: "a field or parameter cannot be understood", 401: "no token, or one that is no good",
    403: "the client may not do this", 404: "there is no such thing", 409: "it contradicts an earlier request",
    413: "the body is larger than 64 KiB", 422: "understood, and refused", 426: "only for WebSocket clients",
    429: "too many requests; see Retry-After", 503: "not now; see Retry-After",
  ]

  /// Errors that belong to what the operation takes, whatever it does.
  private var allErrors: [Int] {
    var all = Set(errors)
    if body != nil { all.formUnion([400, 413]) }
    if access != .everyone { all.formUnion([401, 403, 429, 503]) }
    if !query.isEmpty || path.contains("{") { all.insert(400) }
    return all.subtracting(answers.keys).sorted()
  }

  var document: JSONValue {
    var responses: [String: JSONValue] = [:]
    for (status, answer) in answers {
      var response: [String: JSONValue] = ["description": .text(answer.description)]
      if let schema = answer.schema {
        response["content"] = [answer.mediaType: ["schema": APISchema.reference(schema)]]
      } else if status != 204 {
        response["content"] = [answer.mediaType: ["schema": APISchema.string]]
      }
      responses[String(status)] = .object(response)
    }
    for status in allErrors {
      responses[String(status)] = [
        "description": .text(Self.errorTexts[status] ?? "error"),
        "content": ["application/json": ["schema": APISchema.reference("Error")]],
      ]
    }
    var operation: [String: JSONValue] = ["summary": .text(summary), "responses": .object(responses)]
    if !parameters.isEmpty { operation["parameters"] = .list(parameters) }
    if let body {
      operation["requestBody"] = [
        "required": true, "content": ["application/json": ["schema": APISchema.reference(body)]],
      ]
    }
    operation["security"] =
      switch access {
      case .everyone: []
      // Without a token the demo account's trader, where the server allows that.
      case .trader: [["token": []], [:]]
      case .admin: [["token": []]]
      }
    operation["tags"] = [.text(access == .admin ? "admin" : access == .trader ? "trading" : "server")]
    return .object(operation)
  }

  private var parameters: [JSONValue] {
    let inPath: [JSONValue] = path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
      ["name": .text(String($0.dropFirst().dropLast())), "in": "path", "required": true, "schema": APISchema.string]
    }
    let inQuery: [JSONValue] = query.map {
      ["name": .text($0.name), "in": "query", "description": .text($0.description), "schema": $0.schema]
    }
    return inPath + inQuery
  }
}

extension [Int: APIOperation.Answer] {
  static func ok(_ schema: String, _ description: String = "done") -> Self {
    [200: APIOperation.Answer(description: description, schema: schema)]
  }
}
