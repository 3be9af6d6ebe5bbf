/// The shape of a JSON value (JSON Schema 2020-12, as OpenAPI 3.1 uses it).
enum APISchema {
  static func reference(_ name: String) -> JSONValue { ["$ref": .text("#/components/schemas/" + name)] }

  static func text(_ description: String) -> JSONValue { ["type": "string", "description": .text(description)] }

  /// One of the values of a type that clients read and write as text.
  static func choice<Value: RawRepresentable & CaseIterable>(_ type: Value.Type) -> JSONValue
  where Value.RawValue == String {
    ["type": "string", "enum": .list(type.allCases.map { .text($0.rawValue) })]
  }

  static func list(of items: JSONValue) -> JSONValue { ["type": "array", "items": items] }

  static func map(to values: JSONValue) -> JSONValue { ["type": "object", "additionalProperties": values] }

  /// No other than these fields, so that a field that nobody described shows up.
  static func object(_ fields: [String: JSONValue], optional: [String: JSONValue] = [:]) -> JSONValue {
    [
      "type": "object", "properties": .object(fields.merging(optional) { $1 }),
      "required": .list(fields.keys.sorted().map { .text($0) }), "additionalProperties": false,
    ]
  }

  static let amount: JSONValue = [
    "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$", "description": "decimal number; never binary floating point",
  ]
  static let identifier: JSONValue = ["type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"]
  static let transactionId: JSONValue = ["type": "string", "pattern": "^[0-9]+$"]
  static let points: JSONValue = [
    "type": "string", "pattern": "^[0-9]+$", "description": "points: units of the price's last decimal place",
  ]
  static let time: JSONValue = ["type": "string", "format": "date-time"]
  static let flag: JSONValue = ["type": "boolean"]
  static let integer: JSONValue = ["type": "integer"]
  static let string: JSONValue = ["type": "string"]
}
