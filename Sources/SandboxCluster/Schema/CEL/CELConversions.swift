import KubernetesModels

/// Type conversions, size(), and the parts of times and durations.
enum CELConversions {
  static let names: Set<String> = [
    "int", "uint", "double", "string", "bool", "bytes", "dyn", "type", "timestamp", "duration", "size",
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes",
    "getSeconds", "getMilliseconds",
  ]

  static func global(_ name: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
    guard arguments.count == 1 else { return nil }
    let value = arguments[0]
    switch name {
    case "dyn": return value
    case "type": return .type(value.typeName)
    case "size": return size(value)
    case "int": return try int(value)
    case "uint": return try uint(value)
    case "double": return try double(value)
    case "string": return text(value).map(CELValue.string)
    case "bool":
      switch value {
      case .bool: return value
      case .string("true"), .string("True"), .string("TRUE"), .string("t"), .string("1"): return .bool(true)
      case .string("false"), .string("False"), .string("FALSE"), .string("f"), .string("0"): return .bool(false)
      case .string: throw CELError("type conversion error from 'string' to 'bool'")
      default: return nil
      }
    case "bytes":
      switch value {
      case .bytes: return value
      case .string(let text): return .bytes(Array(text.utf8))
      default: return nil
      }
    case "timestamp":
      switch value {
      case .timestamp: return value
      case .string(let text): return .timestamp(try CELTimestamp(rfc3339: text))
      case .int(let seconds): return .timestamp(CELTimestamp(seconds: seconds))
      default: return nil
      }
    case "duration":
      switch value {
      case .duration: return value
      case .string(let text): return .duration(try CELDuration(parsing: text))
      case .int(let nanoseconds): return .duration(CELDuration(nanoseconds: nanoseconds))
      default: return nil
      }
    default: return nil
    }
  }

  static func member(_ name: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
    switch (name, arguments.first) {
    case ("size", let value?) where arguments.count == 1: return size(value)
    case (_, .timestamp(let time)?) where arguments.count <= 2:
      var offset: Int64 = 0
      if arguments.count == 2 {
        guard case .string(let zone) = arguments[1], let seconds = CELTimestamp.offset(of: zone) else {
          throw CELError("unknown time zone")
        }
        offset = seconds
      }
      return time.part(name, offset: offset).map(CELValue.int)
    case (_, .duration(let duration)?) where arguments.count == 1:
      switch name {
      case "getHours": return .int(duration.nanoseconds / 3_600_000_000_000)
      case "getMinutes": return .int(duration.nanoseconds / 60_000_000_000)
      case "getSeconds": return .int(duration.nanoseconds / 1_000_000_000)
      case "getMilliseconds": return .int(duration.nanoseconds / 1_000_000)
      default: return nil
      }
    default: return nil
    }
  }

  private static func size(_ value: CELValue) -> CELValue? {
    switch value {
    case .string(let text): .int(Int64(text.unicodeScalars.count))
    case .bytes(let bytes): .int(Int64(bytes.count))
    case .list(let elements): .int(Int64(elements.count))
    case .map(let entries): .int(Int64(entries.count))
    default: nil
    }
  }

  private static func int(_ value: CELValue) throws(CELError) -> CELValue? {
    let result: Int64?
    switch value {
    case .int: return value
    case .uint(let number): result = Int64(exactly: number)
    case .double(let number): result = Int64(exactly: number.rounded(.towardZero))
    case .string(let text): result = Int64(text)
    case .timestamp(let time): result = time.seconds
    case .duration(let duration): result = duration.nanoseconds
    default: return nil
    }
    guard let result else { throw CELError("type conversion error from '\(value.typeName)' to 'int'") }
    return .int(result)
  }

  private static func uint(_ value: CELValue) throws(CELError) -> CELValue? {
    let result: UInt64?
    switch value {
    case .uint: return value
    case .int(let number): result = UInt64(exactly: number)
    case .double(let number): result = UInt64(exactly: number.rounded(.towardZero))
    case .string(let text): result = UInt64(text)
    default: return nil
    }
    guard let result else { throw CELError("type conversion error from '\(value.typeName)' to 'uint'") }
    return .uint(result)
  }

  private static func double(_ value: CELValue) throws(CELError) -> CELValue? {
    switch value {
    case .double: return value
    case .int(let number): return .double(Double(number))
    case .uint(let number): return .double(Double(number))
    case .string(let text):
      guard let number = Double(text) else { throw CELError("type conversion error from 'string' to 'double'") }
      return .double(number)
    default: return nil
    }
  }

  /// What `string()` gives; nil for values without a text.
  static func text(_ value: CELValue) -> String? {
    switch value {
    case .string(let text): return text
    case .bool(let flag): return flag ? "true" : "false"
    case .int(let number): return String(number)
    case .uint(let number): return String(number)
    case .double(let number):
      return number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : String(number)
    case .bytes(let bytes): return String(validating: bytes, as: UTF8.self)
    case .timestamp(let time): return time.text
    case .duration(let duration): return duration.text
    case .url(let url): return url.text
    case .ip(let address): return address.text
    case .cidr(let network): return network.address.text + "/\(network.prefixLength)"
    case .quantity(let quantity): return quantity.description
    case .type(let name): return name
    case .null, .list, .map, .optional: return nil
    }
  }
}
