/// The description of the API as an OpenAPI 3.1 document.
enum OpenAPI {
  static let document: String = {
    var paths: [String: [String: JSONValue]] = [:]
    for operation in APIOperations.all { paths[operation.path, default: [:]][operation.method] = operation.document }
    var schemas = APISchemas.all
    schemas["Document"] = ["type": "object"]
    schemas["Refusal"] = ["anyOf": [APISchema.reference("Receipt"), APISchema.reference("Error")]]
    let document: JSONValue = [
      "openapi": "3.1.0",
      "info": [
        "title": "RTX trading server", "version": .text(serverVersion),
        "description": """
        Amounts, prices and ids are decimal text. Times are RFC 3339 in UTC. An error names its field and what to do about \
        it. Every answer carries X-Request-Id.
        """,
      ],
      "paths": .object(paths.mapValues { .object($0) }),
      "components": [
        "schemas": .object(schemas),
        "securitySchemes": ["token": ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"]],
      ],
    ]
    // It is made of literals, so it can always be written.
    return (try? encodeJSON(document)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }()
}
