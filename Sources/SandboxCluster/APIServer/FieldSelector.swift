import KubernetesModels

/// A field selector (`metadata.name=x,status.phase!=Running`), checked against the fields that the resource supports.
struct FieldSelector: Sendable {
  struct Term: Sendable {
    var field: String
    var value: String
    var isEqual: Bool
  }

  var terms: [Term] = []

  var isEmpty: Bool { terms.isEmpty }

  init() {}

  init(parsing text: String, for info: ResourceInfo) throws(APIStatusError) {
    for part in text.split(separator: ",") where !part.isEmpty {
      let part = String(part)
      let term: Term
      if let (field, value) = cut(part, "!=") {
        term = Term(field: field, value: Self.unescaped(value), isEqual: false)
      } else if let (field, value) = cut(part, "==") ?? cut(part, "=") {
        term = Term(field: field, value: Self.unescaped(value), isEqual: true)
      } else {
        throw APIStatusError.badRequest(
          "invalid selector: '\(text)'; can't understand '\(part)'")
      }
      guard info.selectableFields.contains(term.field) else {
        throw APIStatusError.badRequest(
          "Unable to find \"\(info.groupVersionText)\" that match label selector \"\", field selector \"\(text)\": "
            + "field label not supported: \(term.field)")
      }
      terms.append(term)
    }
  }

  func matches(_ object: JSONValue) -> Bool {
    terms.allSatisfy { (Self.text(object, $0.field) == $0.value) == $0.isEqual }
  }

  /// The name that an equality on `metadata.name` asks for: a list is then a single look-up.
  var exactName: String? {
    terms.first { $0.field == "metadata.name" && $0.isEqual }?.value
  }

  private static func text(_ object: JSONValue, _ field: String) -> String {
    let path = field.split(separator: ".").map(String.init)
    switch object.value(at: path) {
    case .string(let text): return text
    case .bool(let flag): return flag ? "true" : "false"
    case .integer(let number): return String(number)
    case nil where field == "spec.unschedulable" || field == "spec.hostNetwork": return "false"
    default: return ""
    }
  }

  private static func unescaped(_ text: String) -> String {
    var result = ""
    var escaped = false
    for character in text {
      if character == "\\", !escaped {
        escaped = true
        continue
      }
      result.append(character)
      escaped = false
    }
    return result
  }
}
