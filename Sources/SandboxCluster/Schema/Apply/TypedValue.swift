import KubernetesModels

/// How a value merges (structured-merge-diff's types, read off a structural schema).
enum MergeShape {
  /// A scalar, or a list or map that is owned and replaced as one.
  case leaf
  /// A map whose fields merge one by one.
  case map
  /// A list whose entries merge by identity.
  case list(ListIdentity)

  /// Without a schema maps merge and lists are atomic.
  init(of value: JSONValue, _ schema: SchemaNode?) {
    switch value {
    case .object:
      // A Go type without fields (RawExtension, a JSON value) is one untyped value.
      let isOpaque = schema.map { $0.resolved.isGoType && $0.resolved.isOpaque } ?? false
      self = schema?.isAtomicMapType == true || isOpaque ? .leaf : .map
    case .array:
      guard let schema, let type = schema.resolved.listType ?? schema.listType, type != .atomic else {
        self = .leaf
        return
      }
      self = .list(ListIdentity(schema))
    default: self = .leaf
    }
  }
}

extension SchemaNode {
  fileprivate var isOpaque: Bool {
    guard properties.isEmpty, case .unspecified = additional else { return false }
    return true
  }

  /// The schema of a list's entries.
  var itemSchema: SchemaNode? { resolved.items }
}

extension ListIdentity {
  /// The path element of an entry; an entry without its keys is known by its position.
  func element(for entry: JSONValue, at index: Int) -> PathElement {
    guard let key = key(of: entry) else { return .index(index) }
    if case .object(let fields) = key, case .object = entry, isMap { return .key(fields) }
    return .value(key)
  }
}

/// Where a walk through an object stands: which schema holds, and whether `metadata` below is that of an object.
struct TypedPosition {
  var schema: SchemaNode?
  var isResource = false

  static func root(_ schema: StructuralSchema?) -> TypedPosition {
    TypedPosition(schema: schema?.root, isResource: true)
  }

  func child(_ name: String) -> TypedPosition {
    let holdsResource = isResource || schema?.resolved.isEmbeddedResource == true
    if name == "metadata", holdsResource, schema?.resolved.isGoType != true,
      let metadata = BuiltinSchemaRegistry.shared.objectMeta
    {
      return TypedPosition(schema: metadata)
    }
    return TypedPosition(schema: schema?.child(name))
  }

  var entry: TypedPosition { TypedPosition(schema: schema?.itemSchema) }

  /// A field with a name in the schema, as opposed to a key of a map: such a field is present when anything in it is.
  func hasNamedField(_ name: String) -> Bool {
    if isResource, ["apiVersion", "kind", "metadata"].contains(name) { return true }
    return schema?.hasNamedField(name) ?? false
  }
}

/// The three operations on whole objects that apply is made of.
enum TypedValue {
  /// Every field that a value sets.
  static func fields(of value: JSONValue, _ position: TypedPosition) -> FieldSet {
    switch MergeShape(of: value, position.schema) {
    case .leaf: return .member
    case .map:
      var result = FieldSet()
      for (name, child) in value.objectValue ?? [:] {
        var set = fields(of: child, position.child(name))
        if child.isNull || child.objectValue?.isEmpty == true || !position.hasNamedField(name) { set.isMember = true }
        result[.field(name)] = set
      }
      return result
    case .list(let identity):
      var result = FieldSet()
      for (index, entry) in (value.arrayValue ?? []).enumerated() {
        var set = fields(of: entry, position.entry)
        set.isMember = true
        result[identity.element(for: entry, at: index)] = set
      }
      return result
    }
  }

  /// `live` with everything that `applied` says.
  static func merge(_ applied: JSONValue, into live: JSONValue, _ position: TypedPosition) -> JSONValue {
    switch (MergeShape(of: applied, position.schema), applied, live) {
    case (.map, .object(let changes), .object(var result)):
      for (name, change) in changes {
        result[name] = result[name].map { merge(change, into: $0, position.child(name)) } ?? change
      }
      return .object(result)
    case (.list(let identity), .array(let changes), .array(let current)):
      return .array(mergeLists(changes, into: current, identity, position))
    default: return applied
    }
  }

  /// Entries in both come in the order of `changes`; the others keep their place.
  private static func mergeLists(
    _ changes: [JSONValue], into current: [JSONValue], _ identity: ListIdentity, _ position: TypedPosition
  ) -> [JSONValue] {
    func keyed(_ entries: [JSONValue]) -> [(element: PathElement, value: JSONValue)] {
      entries.enumerated().map { (identity.element(for: $0.element, at: $0.offset), $0.element) }
    }
    let currentEntries = keyed(current)
    let byElement = Dictionary(currentEntries.map { ($0.element, $0.value) }, uniquingKeysWith: { first, _ in first })
    let newEntries = keyed(changes)
    let named = Set(newEntries.map(\.element))
    var result: [JSONValue] = []
    var emitted: Set<PathElement> = []
    var nextCurrent = 0
    for (element, change) in newEntries {
      while nextCurrent < currentEntries.count {
        let entry = currentEntries[nextCurrent]
        guard !named.contains(entry.element) || emitted.contains(entry.element) else { break }
        if !named.contains(entry.element) { result.append(entry.value) }
        nextCurrent += 1
      }
      emitted.insert(element)
      result.append(byElement[element].map { merge(change, into: $0, position.entry) } ?? change)
    }
    result += currentEntries[nextCurrent...].filter { !named.contains($0.element) }.map(\.value)
    return result
  }

  /// Drops what `former` has and `owned` has not: fields that an applier gave up and nobody else holds.
  static func remove(
    _ former: FieldSet, keeping owned: FieldSet?, from value: JSONValue, _ position: TypedPosition
  ) -> JSONValue {
    func isPresent(_ set: FieldSet?, named: Bool) -> Bool {
      guard let set else { return false }
      return set.isMember || (named && !set.isEmpty)
    }
    switch (MergeShape(of: value, position.schema), value) {
    case (.map, .object(var fields)):
      for (element, set) in former.children {
        guard case .field(let name) = element, let child = fields[name] else { continue }
        let named = position.hasNamedField(name)
        let keep = owned?[element]
        if isPresent(set, named: named), !isPresent(keep, named: named) {
          fields.removeValue(forKey: name)
        } else {
          fields[name] = remove(set, keeping: keep, from: child, position.child(name))
        }
      }
      return .object(fields)
    case (.list(let identity), .array(let entries)):
      return .array(
        entries.enumerated().compactMap { index, entry -> JSONValue? in
          let element = identity.element(for: entry, at: index)
          guard let set = former[element] else { return entry }
          let keep = owned?[element]
          if isPresent(set, named: false), !isPresent(keep, named: false) { return .none }
          return remove(set, keeping: keep, from: entry, position.entry)
        })
    default: return value
    }
  }
}

/// What differs between two versions of an object.
struct TypedComparison {
  private(set) var added = FieldSet()
  private(set) var modified = FieldSet()
  private(set) var removed = FieldSet()

  var isSame: Bool { added.isEmpty && modified.isEmpty && removed.isEmpty }
  var changed: FieldSet { added.union(modified) }

  init(_ old: JSONValue, _ new: JSONValue, schema: StructuralSchema?) {
    compare(old, new, .root(schema), path: [])
  }

  private mutating func compare(_ old: JSONValue?, _ new: JSONValue?, _ position: TypedPosition, path: [PathElement]) {
    guard old != new, let sample = new ?? old else { return }
    switch (MergeShape(of: sample, position.schema), old, new) {
    case (.map, .object?, .object?), (.map, .object?, nil), (.map, nil, .object?):
      let before = old?.objectValue ?? [:]
      let after = new?.objectValue ?? [:]
      for name in Set(before.keys).union(after.keys) {
        compare(before[name], after[name], position.child(name), path: path + [.field(name)])
      }
      noteWhole(old, new, path)
    case (.list(let identity), .array?, .array?), (.list(let identity), .array?, nil),
      (.list(let identity), nil, .array?):
      func keyed(_ list: JSONValue?) -> [PathElement: JSONValue] {
        Dictionary(
          (list?.arrayValue ?? []).enumerated().map { (identity.element(for: $0.element, at: $0.offset), $0.element) },
          uniquingKeysWith: { first, _ in first })
      }
      let before = keyed(old)
      let after = keyed(new)
      for element in Set(before.keys).union(after.keys) {
        compare(before[element], after[element], position.entry, path: path + [element])
      }
      noteWhole(old, new, path)
    default:
      switch (old, new) {
      case (nil, _): added.insert(path)
      case (_, nil): removed.insert(path)
      case (let before?, let after?): if !before.isEquivalent(to: after) { modified.insert(path) }
      }
    }
  }

  /// A map or list that appears or goes as a whole is itself added or removed.
  private mutating func noteWhole(_ old: JSONValue?, _ new: JSONValue?, _ path: [PathElement]) {
    guard !path.isEmpty else { return }
    if old == nil { added.insert(path) }
    if new == nil { removed.insert(path) }
  }
}
