/// Builds values from libyaml's events.
struct YAMLLoader {
  private static let maximumDepth = 512
  /// Aliases may repeat content up to this many values a document, so that a small text cannot grow without bound.
  private static let maximumAliasedValues = 1_000_000

  private let reader: YAMLEventReader
  private var anchors: [String: (value: JSONValue, size: Int)] = [:]
  private var aliasedValues = 0
  /// Values built in the current document.
  private var built = 0

  init(_ text: String) throws(YAMLParseError) {
    reader = try YAMLEventReader(text)
  }

  mutating func documents() throws(YAMLParseError) -> [JSONValue] {
    var documents: [JSONValue] = []
    while true {
      switch try reader.next() {
      case .streamEnd:
        return documents
      case .documentStart:
        anchors = [:]
        aliasedValues = 0
        let root = try reader.next()
        let value = try self.value(root, depth: 0)
        if !isEmpty(root) { documents.append(value) }
      default:
        continue
      }
    }
  }

  /// A document with nothing in it, as between two `---`.
  private func isEmpty(_ event: YAMLEvent) -> Bool {
    if case .scalar(let scalar, _) = event { return scalar.isPlain && scalar.text.isEmpty }
    return false
  }

  private mutating func value(_ event: YAMLEvent, depth: Int) throws(YAMLParseError) -> JSONValue {
    guard depth < Self.maximumDepth else { throw fault("nested deeper than \(Self.maximumDepth) levels") }
    let builtBefore = built
    built += 1
    switch event {
    case .scalar(let scalar, let anchor):
      let value = try resolve(scalar)
      return remember(value, anchor, builtBefore)
    case .sequenceStart(let anchor):
      return remember(try sequence(depth: depth), anchor, builtBefore)
    case .mappingStart(let anchor):
      return remember(try mapping(depth: depth), anchor, builtBefore)
    case .alias(let name):
      guard let (value, size) = anchors[name] else { throw fault("the alias *\(name) stands before its anchor") }
      aliasedValues += size
      built += size
      guard aliasedValues <= Self.maximumAliasedValues else { throw fault("the aliases repeat too much content") }
      return value
    case .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
      throw fault("a value is missing")
    }
  }

  private mutating func remember(_ value: JSONValue, _ anchor: String?, _ builtBefore: Int) -> JSONValue {
    if let anchor { anchors[anchor] = (value, built - builtBefore) }
    return value
  }

  private mutating func sequence(depth: Int) throws(YAMLParseError) -> JSONValue {
    var elements: [JSONValue] = []
    while true {
      let event = try reader.next()
      if case .sequenceEnd = event { return .array(elements) }
      elements.append(try value(event, depth: depth + 1))
    }
  }

  private mutating func mapping(depth: Int) throws(YAMLParseError) -> JSONValue {
    var fields: [String: JSONValue] = [:]
    var merged: [String: JSONValue] = [:]
    while true {
      let event = try reader.next()
      if case .mappingEnd = event { return .object(merged.merging(fields) { _, own in own }) }
      let line = reader.line
      if case .scalar(let scalar, _) = event, scalar.isPlain, scalar.text == "<<" {
        let source = try value(try reader.next(), depth: depth + 1)
        try merge(source, into: &merged, line: line)
        continue
      }
      let key = try self.key(event, depth: depth)
      guard fields[key] == nil else { throw YAMLParseError(line: line, problem: "the key \"\(key)\" occurs twice") }
      fields[key] = try value(try reader.next(), depth: depth + 1)
    }
  }

  /// Keys become text as sigs.k8s.io/yaml writes them: `on: x` is the key "true", `1: x` the key "1".
  private mutating func key(_ event: YAMLEvent, depth: Int) throws(YAMLParseError) -> String {
    switch try value(event, depth: depth + 1) {
    case .string(let text): return text
    case .bool(let flag): return flag ? "true" : "false"
    case .integer(let number): return String(number)
    case .double(let number): return JSONValue.numberText(number)
    case .null: throw fault("a key is empty or null; put it in quotes")
    case .array, .object: throw fault("a key must be a scalar")
    }
  }

  private func merge(
    _ source: JSONValue, into merged: inout [String: JSONValue], line: Int
  ) throws(YAMLParseError) {
    switch source {
    case .object(let fields):
      merged.merge(fields) { earlier, _ in earlier }
    case .array(let sources):
      for source in sources {
        guard case .object = source else { break }
        try merge(source, into: &merged, line: line)
      }
    default:
      throw YAMLParseError(line: line, problem: "'<<' must be given a mapping or a list of mappings")
    }
  }

  private func resolve(_ scalar: YAMLScalar) throws(YAMLParseError) -> JSONValue {
    let prefix = "tag:yaml.org,2002:"
    guard let tag = scalar.tag, tag != "!", tag.hasPrefix(prefix) else {
      // "!" and tags of an application say nothing that JSON could hold; "!" makes a plain scalar a string.
      return scalar.isPlain && scalar.tag != "!" ? YAMLScalarResolver.resolve(scalar.text) : .string(scalar.text)
    }
    let name = tag.dropFirst(prefix.count)
    let resolved = YAMLScalarResolver.resolve(scalar.text)
    switch (name, resolved) {
    case ("str", _): return .string(scalar.text)
    case ("null", .null), ("bool", .bool), ("int", .integer), ("float", .double): return resolved
    case ("float", .integer(let number)): return .double(Double(number))
    case ("timestamp", _): return .string(scalar.text)
    default: throw fault("\"\(scalar.text)\" is no !!\(name)")
    }
  }

  private func fault(_ problem: String) -> YAMLParseError {
    YAMLParseError(line: reader.line, problem: problem)
  }
}
