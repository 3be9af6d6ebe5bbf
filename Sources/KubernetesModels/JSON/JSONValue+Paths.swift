extension JSONValue {
  /// A field of an object. Reading from anything else gives nil; writing to `null` makes an object of it, writing nil
  /// removes the field, and writing to any other kind of value does nothing.
  public subscript(_ key: String) -> JSONValue? {
    get {
      if case .object(let fields) = self { return fields[key] }
      return nil
    }
    set {
      switch self {
      case .object(var fields):
        self = .null  // releases the only other reference, so that `fields` changes in place
        fields[key] = newValue
        self = .object(fields)
      case .null:
        if let newValue { self = .object([key: newValue]) }
      default:
        break
      }
    }
  }

  /// An element of an array; nil when this is no array or the index is outside of it.
  public subscript(_ index: Int) -> JSONValue? {
    if case .array(let elements) = self, elements.indices.contains(index) { return elements[index] }
    return nil
  }

  /// The value reached by the field names (or, inside arrays, decimal indices) of `path`.
  public func value(at path: [String]) -> JSONValue? {
    var current = self
    for name in path {
      switch current {
      case .object(let fields):
        guard let next = fields[name] else { return nil }
        current = next
      case .array(let elements):
        guard let index = Int(name), elements.indices.contains(index) else { return nil }
        current = elements[index]
      default:
        return nil
      }
    }
    return current
  }

  /// Sets (or with nil removes) the value at `path`, making the objects on the way. Array elements are addressed by a
  /// decimal index that exists. Where the path runs into a scalar, nothing changes; removing makes no objects.
  public mutating func set(_ value: JSONValue?, at path: [String]) {
    set(value, at: path[...])
  }

  private mutating func set(_ value: JSONValue?, at path: ArraySlice<String>) {
    guard let name = path.first else {
      self = value ?? .null
      return
    }
    let rest = path.dropFirst()
    if case .array(var elements) = self {
      guard let index = Int(name), elements.indices.contains(index) else { return }
      self = .null
      if rest.isEmpty, value == nil {
        elements.remove(at: index)
      } else {
        elements[index].set(value, at: rest)
      }
      self = .array(elements)
      return
    }
    if rest.isEmpty {
      self[name] = value
      return
    }
    guard var child = self[name] ?? (value == nil ? JSONValue?.none : .null) else { return }
    child.set(value, at: rest)
    self[name] = child
  }
}
