import KubernetesModels

/// One step of a path to a field (structured-merge-diff PathElement).
enum PathElement: Sendable, Hashable {
  /// A named field or map key.
  case field(String)
  /// A list entry by its keys.
  case key([String: JSONValue])
  /// A member of a set.
  case value(JSONValue)
  /// A position; only lists that nothing else describes have these.
  case index(Int)

  /// As conflict messages show it: `.spec`, `[name="nginx"]`, `[="x"]`.
  var description: String {
    switch self {
    case .field(let name): ".\(name)"
    case .key(let keys):
      "[" + keys.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.serializedString())" }.joined(separator: ",")
        + "]"
    case .value(let value): "[=\(value.serializedString())]"
    case .index(let index): "[\(index)]"
    }
  }
}

/// A set of field paths, kept as a tree.
struct FieldSet: Sendable, Hashable {
  /// Whether the path that leads here is itself in the set.
  var isMember = false
  private(set) var children: [PathElement: FieldSet] = [:]

  var isEmpty: Bool { !isMember && children.isEmpty }

  static let member = FieldSet(isMember: true)

  subscript(_ element: PathElement) -> FieldSet? {
    get { children[element] }
    set { children[element] = newValue?.isEmpty == true ? nil : newValue }
  }

  mutating func insert(_ path: some Collection<PathElement>) {
    guard let first = path.first else {
      isMember = true
      return
    }
    children[first, default: FieldSet()].insert(path.dropFirst())
  }

  func union(_ other: FieldSet) -> FieldSet {
    var result = self
    result.isMember = isMember || other.isMember
    for (element, child) in other.children {
      result.children[element] = result.children[element]?.union(child) ?? child
    }
    return result
  }

  /// The paths in both.
  func intersection(_ other: FieldSet) -> FieldSet {
    var result = FieldSet(isMember: isMember && other.isMember)
    for (element, child) in children {
      if let match = other.children[element] { result[element] = child.intersection(match) }
    }
    return result
  }

  /// The paths here that are not in `other`.
  func subtracting(_ other: FieldSet) -> FieldSet {
    var result = FieldSet(isMember: isMember && !other.isMember)
    for (element, child) in children {
      result[element] = other.children[element].map { child.subtracting($0) } ?? child
    }
    return result
  }

  /// Without the paths of `other` and all that is below them.
  func removingSubtrees(_ other: FieldSet) -> FieldSet {
    if other.isMember { return FieldSet() }
    var result = self
    for (element, child) in other.children {
      result[element] = children[element].map { $0.removingSubtrees(child) }
    }
    return result
  }

  /// Every path in the set as text, sorted: `.spec.containers[name="a"].image`.
  func paths() -> [String] {
    var found: [String] = []
    collect(prefix: "", into: &found)
    return found.sorted()
  }

  private func collect(prefix: String, into found: inout [String]) {
    if isMember { found.append(prefix) }
    for (element, child) in children { child.collect(prefix: prefix + element.description, into: &found) }
  }
}

// MARK: FieldsV1

extension FieldSet {
  /// Reads the `fieldsV1` of a managedFields entry; parts that make no sense are skipped.
  init(fieldsV1 json: JSONValue) {
    guard case .object(let entries) = json else { return }
    for (name, child) in entries {
      if name == "." {
        isMember = true
        continue
      }
      guard let element = PathElement(fieldsV1: name) else { continue }
      var set = FieldSet(fieldsV1: child)
      if case .object(let inner) = child, inner.isEmpty { set.isMember = true }
      children[element] = set
    }
  }

  /// The `fieldsV1` form: a leaf is `{}`, an inner path that is a member too has `".": {}`.
  var fieldsV1: JSONValue {
    var entries: [String: JSONValue] = [:]
    if isMember, !children.isEmpty { entries["."] = .object([:]) }
    for (element, child) in children { entries[element.fieldsV1] = child.fieldsV1 }
    return .object(entries)
  }
}

extension PathElement {
  init?(fieldsV1 name: String) {
    guard let colon = name.firstIndex(of: ":") else { return nil }
    let rest = String(name[name.index(after: colon)...])
    switch name[..<colon] {
    case "f": self = .field(rest)
    case "k":
      guard let keys = (try? JSONValue(parsing: rest))?.objectValue else { return nil }
      self = .key(keys)
    case "v":
      guard let value = try? JSONValue(parsing: rest) else { return nil }
      self = .value(value)
    case "i":
      guard let index = Int(rest) else { return nil }
      self = .index(index)
    default: return nil
    }
  }

  var fieldsV1: String {
    switch self {
    case .field(let name): "f:\(name)"
    case .key(let keys): "k:\(JSONValue.object(keys).serializedString())"
    case .value(let value): "v:\(value.serializedString())"
    case .index(let index): "i:\(index)"
    }
  }
}
