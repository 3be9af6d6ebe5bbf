import Foundation
import Testing

@testable import TradingServer

/// Holds a server's answers against its own document, and remembers what was tried.
final class DocumentedAPI {
  private let port: Int
  private let paths: [String: [String: Any]]
  private let schemas: [String: Any]
  private(set) var tried: Set<String> = []

  init(port: Int) async throws {
    self.port = port
    let text = try await WireClient.request(port, "GET", "/openapi.json").body
    let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    paths = try #require(document["paths"] as? [String: [String: Any]])
    schemas = try #require((document["components"] as? [String: Any])?["schemas"] as? [String: Any])
  }

  /// Every operation, as `get /api/orders/{clientOrderId}`.
  var operations: Set<String> {
    Set(paths.flatMap { path, methods in methods.keys.map { "\($0) \(path)" } })
  }

  /// Sends a request of the operation at `path`, whose parameters are the words of `values`, and checks status and body.
  @discardableResult
  func call(
    _ method: String, _ path: String, _ values: String..., query: String = "", token: String? = nil,
    body: String? = nil, expecting status: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> WireClient.Answer {
    let answer = try await send(method, path, values, query: query, token: token, body: body)
    #expect(answer.status == status, "\(method) \(path): \(answer.body)", sourceLocation: sourceLocation)
    let problem = check(answer, of: method, path)
    #expect(problem == nil, "\(method) \(path): \(answer.body)", sourceLocation: sourceLocation)
    return answer
  }

  /// The same without checks.
  func send(
    _ method: String, _ path: String, _ values: [String] = [], query: String = "", token: String? = nil,
    body: String? = nil
  ) async throws -> WireClient.Answer {
    var rest = values[...]
    let actual = path.split(separator: "/", omittingEmptySubsequences: false).map { part in
      part.hasPrefix("{") ? rest.popFirst() ?? "" : String(part)
    }.joined(separator: "/")
    return try await WireClient.request(
      port, method.uppercased(), actual + query, body: body,
      headers: token.map { ["Authorization: Bearer \($0)"] } ?? [])
  }

  /// What about the answer is not documented.
  func check(_ answer: WireClient.Answer, of method: String, _ path: String) -> String? {
    guard let operation = paths[path]?[method] as? [String: Any],
      let responses = operation["responses"] as? [String: [String: Any]]
    else { return "the operation is not documented" }
    guard let response = responses[String(answer.status)] else {
      return "the status \(answer.status) is not documented"
    }
    tried.insert("\(method) \(path) \(answer.status)")
    guard let content = response["content"] as? [String: [String: Any]], let media = content.first else {
      return answer.body.isEmpty ? nil : "there is a body"
    }
    guard answer.head.lowercased().contains("content-type: \(media.key)") else { return "it is not \(media.key)" }
    guard media.key == "application/json", let schema = media.value["schema"] as? [String: Any] else { return nil }
    guard let value = try? JSONSerialization.jsonObject(with: Data(answer.body.utf8)) else { return "it is no JSON" }
    return mismatch(value, schema, "body")
  }

  /// The first place where a value is not what its schema (the part of JSON Schema that the document uses) asks for.
  func mismatch(_ value: Any, _ schema: [String: Any], _ place: String) -> String? {
    if let reference = schema["$ref"] as? String {
      let name = reference.split(separator: "/").last.map(String.init) ?? ""
      guard let target = schemas[name] as? [String: Any] else { return "there is no schema \(name)" }
      return mismatch(value, target, place)
    }
    if let choices = schema["anyOf"] as? [[String: Any]] {
      let problems = choices.map { mismatch(value, $0, place) }
      return problems.contains { $0 == nil } ? nil : problems.compactMap { $0 }.joined(separator: "; ")
    }
    switch schema["type"] as? String {
    case "object":
      guard let object = value as? [String: Any] else { return "\(place) is no object" }
      for name in schema["required"] as? [String] ?? [] where object[name] == nil {
        return "\(place).\(name) is missing"
      }
      let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
      for (name, field) in object {
        if let known = properties[name] {
          if let problem = mismatch(field, known, "\(place).\(name)") { return problem }
        } else if schema["additionalProperties"] as? Bool == false {
          return "\(place).\(name) is not documented"
        } else if let other = schema["additionalProperties"] as? [String: Any],
          let problem = mismatch(field, other, "\(place).\(name)")
        {
          return problem
        }
      }
      return nil
    case "array":
      guard let list = value as? [Any] else { return "\(place) is no list" }
      guard let items = schema["items"] as? [String: Any] else { return nil }
      for (index, item) in list.enumerated() {
        if let problem = mismatch(item, items, "\(place)[\(index)]") { return problem }
      }
      return nil
    case "string":
      guard let text = value as? String else { return "\(place) is no text" }
      if let choices = schema["enum"] as? [String], !choices.contains(text) { return "\(place) is \(text)" }
      if let pattern = schema["pattern"] as? String, text.range(of: pattern, options: .regularExpression) == nil {
        return "\(place) is \(text)"
      }
      return nil
    case "integer": return value is Int ? nil : "\(place) is no whole number"
    case "boolean": return value is Bool ? nil : "\(place) is neither true nor false"
    default: return nil
    }
  }
}
