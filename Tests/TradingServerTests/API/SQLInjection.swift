import Foundation
import Testing

/// Requests with SQL in one place each, for every place where the API takes text.
enum SQLInjection {
  struct Request: CustomStringConvertible {
    let method, path: String
    var body: String?

    var description: String { "\(method) \(path) \(body ?? "")" }
  }

  static let text = "'; DROP TABLE accounts; --"
  private static let encoded = "%27%3B%20DROP%20TABLE%20accounts%3B%20--"

  static func requests(openAPI document: String) throws -> [Request] {
    let root = try #require(try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any])
    let paths = try #require(root["paths"] as? [String: [String: [String: Any]]])
    let schemas = try #require((root["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]])
    // A stream that takes it does not end, and /ws is no request.
    return paths.filter { !$0.key.hasSuffix("/stream") && $0.key != "/ws" }.flatMap { path, methods in
      methods.flatMap { method, operation in
        requests(method.uppercased(), path, operation, schemas)
      }
    }
  }

  private static func requests(
    _ method: String, _ path: String, _ operation: [String: Any], _ schemas: [String: [String: Any]]
  ) -> [Request] {
    let plain = path.split(separator: "/", omittingEmptySubsequences: false).map { part in
      part.hasPrefix("{") ? (part == "{accountId}" ? "demo" : "1") : String(part)
    }.joined(separator: "/")
    let parameters = operation["parameters"] as? [[String: Any]] ?? []
    var all = parameters.map { parameter in
      let name = parameter["name"] as? String ?? ""
      return parameter["in"] as? String == "path"
        ? Request(method: method, path: path.replacingOccurrences(of: "{\(name)}", with: encoded), body: "{}")
        : Request(method: method, path: plain + "?\(name)=\(encoded)")
    }
    let content = (operation["requestBody"] as? [String: Any])?["content"] as? [String: [String: Any]]
    guard let schema = content?.values.first?["schema"] as? [String: Any] else { return all }
    let fields = properties(of: schema, schemas)
    let whole = Dictionary(uniqueKeysWithValues: fields.map { ($0, "1") })
    for field in fields {
      // Alone and among others, since what is missing is often found first.
      for others in [[:], whole] {
        let values = others.merging([field: text]) { $1 }
        let body = (try? JSONEncoder().encode(values)).map { String(decoding: $0, as: UTF8.self) }
        all.append(Request(method: method, path: plain, body: body))
      }
    }
    return all
  }

  private static func properties(of schema: [String: Any], _ schemas: [String: [String: Any]]) -> [String] {
    if let name = (schema["$ref"] as? String)?.split(separator: "/").last {
      return properties(of: schemas[String(name)] ?? [:], schemas)
    }
    if let choices = schema["anyOf"] as? [[String: Any]] {
      return Array(Set(choices.flatMap { properties(of: $0, schemas) })).sorted()
    }
    // A map has names of the client's own.
    return (schema["properties"] as? [String: Any]).map { $0.keys.sorted() } ?? [text]
  }
}
