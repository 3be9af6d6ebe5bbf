import KubernetesModels

/// One operation of a JSON Patch (RFC 6902).
struct JSONPatchOperation {
  private enum Kind: String { case add, remove, replace, move, copy, test }

  private let kind: Kind
  private let path: [String]
  private let from: [String]
  private let value: JSONValue?
  private let pathText: String

  /// - Throws: `PatchError` when fields are missing or of the wrong kind.
  init(_ json: JSONValue) throws {
    guard let name = json["op"]?.stringValue, let kind = Kind(rawValue: name) else {
      throw PatchError.malformed("Unexpected kind: \(json["op"]?.serializedString() ?? "none") (op)")
    }
    guard let pathText = json["path"]?.stringValue else {
      throw PatchError.malformed("\(name) operation does not have a path")
    }
    self.kind = kind
    self.pathText = pathText
    path = try Self.tokens(pathText)
    switch kind {
    case .move, .copy:
      guard let text = json["from"]?.stringValue else {
        throw PatchError.malformed("\(name) operation does not have a from path")
      }
      from = try Self.tokens(text)
    case .add, .remove, .replace, .test: from = []
    }
    value = json["value"]
    if value == nil, kind == .add || kind == .replace || kind == .test {
      throw PatchError.malformed("\(name) operation does not have a value")
    }
  }

  func apply(to document: JSONValue) throws -> JSONValue {
    var result = document
    switch kind {
    case .add: try insert(value ?? .null, at: path[...], in: &result)
    case .remove: _ = try remove(at: path[...], in: &result)
    case .replace: try replace(with: value ?? .null, at: path[...], in: &result)
    case .copy: try insert(try find(from[...], in: result), at: path[...], in: &result)
    case .move:
      let moved = try remove(at: from[...], in: &result)
      try insert(moved, at: path[...], in: &result)
    case .test:
      let found = (try? find(path[...], in: result)) ?? .null
      guard found.isEquivalent(to: value ?? .null) else {
        throw PatchError.inapplicable("testing value \(pathText) failed")
      }
    }
    return result
  }

  /// The size of what a `copy` adds to a document.
  func copiedBytes(of document: JSONValue) throws -> Int {
    kind == .copy ? try find(from[...], in: document).serialized().count : 0
  }

  /// The reference tokens of a JSON pointer (RFC 6901).
  private static func tokens(_ pointer: String) throws -> [String] {
    if pointer.isEmpty { return [] }
    guard pointer.hasPrefix("/") else { throw PatchError.malformed("invalid JSON pointer \"\(pointer)\"") }
    return pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { token in
      String(token).replacing("~1", with: "/").replacing("~0", with: "~")
    }
  }

  private var missing: PatchError {
    .inapplicable("\(kind.rawValue) operation does not apply: doc is missing path: \"\(pathText)\": missing value")
  }

  private func index(_ token: String, count: Int) throws -> Int {
    guard let index = Int(token), index >= 0, index < count, String(index) == token else {
      throw PatchError.inapplicable(
        "\(kind.rawValue) operation does not apply: error in path \"\(pathText)\": Unable to access invalid index: \(token)"
      )
    }
    return index
  }

  private func find(_ path: ArraySlice<String>, in value: JSONValue) throws -> JSONValue {
    guard let token = path.first else { return value }
    switch value {
    case .object(let fields):
      guard let child = fields[token] else { throw missing }
      return try find(path.dropFirst(), in: child)
    case .array(let elements):
      return try find(path.dropFirst(), in: elements[index(token, count: elements.count)])
    default: throw missing
    }
  }

  /// Hands the container of the path's last token to `edit`.
  private func edit(
    _ path: ArraySlice<String>, in value: inout JSONValue, _ edit: (inout JSONValue, String) throws -> Void
  ) throws {
    guard let token = path.first else { throw missing }
    if path.count == 1 { return try edit(&value, token) }
    switch value {
    case .object(var fields):
      guard var child = fields[token] else { throw missing }
      try self.edit(path.dropFirst(), in: &child, edit)
      fields[token] = child
      value = .object(fields)
    case .array(var elements):
      try self.edit(path.dropFirst(), in: &elements[index(token, count: elements.count)], edit)
      value = .array(elements)
    default: throw missing
    }
  }

  private func insert(_ new: JSONValue, at path: ArraySlice<String>, in value: inout JSONValue) throws {
    guard !path.isEmpty else {
      value = new
      return
    }
    try edit(path, in: &value) { container, token in
      switch container {
      case .object(var fields):
        fields[token] = new
        container = .object(fields)
      case .array(var elements):
        elements.insert(new, at: token == "-" ? elements.count : try index(token, count: elements.count + 1))
        container = .array(elements)
      default: throw missing
      }
    }
  }

  private func remove(at path: ArraySlice<String>, in value: inout JSONValue) throws -> JSONValue {
    var removed = JSONValue.null
    try edit(path, in: &value) { container, token in
      switch container {
      case .object(var fields):
        guard let old = fields.removeValue(forKey: token) else { throw missing }
        removed = old
        container = .object(fields)
      case .array(var elements):
        removed = elements.remove(at: try index(token, count: elements.count))
        container = .array(elements)
      default: throw missing
      }
    }
    return removed
  }

  private func replace(with new: JSONValue, at path: ArraySlice<String>, in value: inout JSONValue) throws {
    guard !path.isEmpty else {
      value = new
      return
    }
    try edit(path, in: &value) { container, token in
      switch container {
      case .object(var fields):
        // RFC 6902 wants the member to be there; the API server's library has never looked.
        fields[token] = new
        container = .object(fields)
      case .array(var elements):
        elements[try index(token, count: elements.count)] = new
        container = .array(elements)
      default: throw missing
      }
    }
  }
}
