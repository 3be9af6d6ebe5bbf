import KubernetesModels

/// One column of a server-printed table.
struct TableColumn: Sendable {
  var name: String
  var type = "string"
  var format = ""
  var description: String
  /// 0 always shows; anything above only with `-o wide`.
  var priority = 0
  /// The cell of one object.
  var cell: @Sendable (JSONValue) -> JSONValue

  init(
    _ name: String, type: String = "string", format: String = "", priority: Int = 0, description: String = "",
    _ cell: @escaping @Sendable (JSONValue) -> JSONValue
  ) {
    self.name = name
    self.type = type
    self.format = format
    self.description = description.isEmpty ? name : description
    self.priority = priority
    self.cell = cell
  }

  static let name = TableColumn("Name", format: "name", description: "Name must be unique within a namespace.") {
    .string($0.metadataName)
  }
  static let age = TableColumn("Age", description: "Time since the object was created.") {
    .string(Age.text(since: $0.textAt("metadata", "creationTimestamp")))
  }
  static let nameAndAge = [name, age]
}

/// A meta.k8s.io/v1 Table of objects of one resource.
struct Table: Sendable {
  let columns: [TableColumn]
  /// What of each object goes along: Metadata (the default), Object or None.
  let include: String

  init(_ info: ResourceInfo, include: String?) {
    columns = info.columns
    self.include = include ?? "Metadata"
  }

  func document(_ objects: [JSONValue], withColumns: Bool = true) -> JSONValue {
    let metadata: JSONValue =
      objects.count == 1 ? ["resourceVersion": objects[0].at("metadata", "resourceVersion") ?? ""] : [:]
    return [
      "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
      "columnDefinitions": withColumns ? .array(columns.map(definition)) : .null, "rows": .array(objects.map(row)),
    ]
  }

  private func definition(_ column: TableColumn) -> JSONValue {
    [
      "name": .string(column.name), "type": .string(column.type), "format": .string(column.format),
      "description": .string(column.description), "priority": .integer(Int64(column.priority)),
    ]
  }

  private func row(_ object: JSONValue) -> JSONValue {
    var row: JSONValue = ["cells": .array(columns.map { $0.cell(object) })]
    switch include {
    case "None": break
    case "Object": row["object"] = object
    default:
      row["object"] = [
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:],
      ]
    }
    return row
  }
}

/// Durations as kubectl shows ages (apimachinery `duration.HumanDuration`).
enum Age {
  static func text(since timestamp: String?) -> String {
    guard let timestamp, let then = Timestamp(timestamp) else { return "<unknown>" }
    return text(seconds: Int(Timestamp.now.secondsSinceEpoch - then.secondsSinceEpoch))
  }

  static func text(seconds: Int) -> String {
    if seconds < -1 { return "<invalid>" }
    if seconds < 0 { return "0s" }
    let minutes = seconds / 60
    let hours = seconds / 3600
    let days = hours / 24
    if seconds < 120 { return "\(seconds)s" }
    if minutes < 10 { return join(minutes, "m", seconds % 60, "s") }
    if hours < 3 { return "\(minutes)m" }
    if hours < 8 { return join(hours, "h", minutes % 60, "m") }
    if hours < 48 { return "\(hours)h" }
    if days < 8 { return join(days, "d", hours % 24, "h") }
    if days < 365 * 2 { return "\(days)d" }
    if days < 365 * 8 { return join(days / 365, "y", days % 365, "d") }
    return "\(days / 365)y"
  }

  private static func join(_ large: Int, _ largeUnit: String, _ small: Int, _ smallUnit: String) -> String {
    small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(small)\(smallUnit)"
  }
}
