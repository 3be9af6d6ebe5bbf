/// YAML as kubectl reads it: YAML 1.1 with Go's rules for plain scalars, every key a string.
public enum YAML {
  /// Parses a stream into one value a document; empty documents are left out. Plain scalars become null, booleans
  /// (also yes, no, on, off), numbers or strings; quoted ones are strings. Anchors, aliases and `<<` merges work.
  /// - Throws: `YAMLParseError`, also for a key that occurs twice in a mapping and for nesting deeper than 512.
  public static func parse(_ text: String) throws(YAMLParseError) -> [JSONValue] {
    var loader = try YAMLLoader(text)
    return try loader.documents()
  }

  /// One document in block style with sorted keys, ending in a line break; reads back as the same value.
  public static func serialize(_ value: JSONValue) -> String {
    var writer = YAMLWriter()
    writer.document(value)
    return writer.output
  }

  /// Several documents divided by `---`.
  public static func serialize(documents: [JSONValue]) -> String {
    documents.map(serialize).joined(separator: "---\n")
  }
}

/// Why a text is not YAML that Kubernetes could read, and where.
public struct YAMLParseError: Error, Hashable, CustomStringConvertible {
  /// Counted from 1.
  public var line: Int
  public var problem: String

  public var description: String { "invalid YAML at line \(line): \(problem)" }
}
