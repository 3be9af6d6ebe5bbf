import FoundationEssentials
import KubernetesModels

extension CELValue {
  /// A JSON value as rules see it: the schema says which strings are times, durations or bytes, and which integers are doubles.
  init(_ json: JSONValue, schema: SchemaNode?) {
    let node = schema?.resolved
    switch json {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .integer(let value):
      self = node?.types.contains(.number) == true ? .double(Double(value)) : .int(value)
    case .double(let value):
      if node?.types.contains(.integer) == true, let integer = Int64(exactly: value) {
        self = .int(integer)
      } else {
        self = .double(value)
      }
    case .string(let text): self = CELValue.text(text, format: node?.format)
    case .array(let elements): self = .list(elements.map { CELValue($0, schema: node?.items) })
    case .object(let fields):
      var entries: [CELKey: CELValue] = [:]
      for (name, value) in fields { entries[.string(name)] = CELValue(value, schema: node?.child(name)) }
      self = .map(entries)
    }
  }

  private static func text(_ text: String, format: String?) -> CELValue {
    switch format {
    case "date-time":
      if let time = try? CELTimestamp(rfc3339: text) { return .timestamp(time) }
    case "date":
      if let time = try? CELTimestamp(rfc3339: text + "T00:00:00Z") { return .timestamp(time) }
    case "duration":
      if let duration = try? CELDuration(parsing: text) { return .duration(duration) }
    case "byte":
      if let data = Data(base64Encoded: text) { return .bytes(Array(data)) }
    default: break
    }
    return .string(text)
  }
}
