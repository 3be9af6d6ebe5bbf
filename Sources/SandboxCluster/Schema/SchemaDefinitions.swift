import KubernetesModels
import Synchronization

/// Named schemas that refer to each other, each parsed when it is first needed.
final class SchemaDefinitions: Sendable {
  private let source: [String: @Sendable () -> JSONValue?]
  private let cache = Mutex<[String: SchemaNode]>([:])

  init(_ source: [String: @Sendable () -> JSONValue?]) {
    self.source = source
  }

  /// Definitions that are parsed already, for small sets.
  convenience init(_ definitions: [String: JSONValue]) {
    self.init(definitions.mapValues { json in { @Sendable in json } })
  }

  var names: [String] { source.keys.sorted() }

  func json(named name: String) -> JSONValue? { source[name]?() }

  func node(named name: String) -> SchemaNode? {
    if let known = cache.withLock({ $0[name] }) { return known }
    guard let json = source[name]?() else { return nil }
    // Two threads may parse the same definition once; the first to finish is kept.
    let node = SchemaNode(json, definitions: self)
    return cache.withLock { nodes in
      if let known = nodes[name] { return known }
      nodes[name] = node
      return node
    }
  }
}
