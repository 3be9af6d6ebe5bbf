import FoundationEssentials
import KubernetesModels

/// One or more kubeconfig files as one (Kubernetes: "Organizing Cluster Access Using kubeconfig Files").
///
/// Where several files define the same name, the first one counts; relative paths are relative to their own file.
public struct Kubeconfig: Sendable {
  /// A named entry of `clusters`, `users` or `contexts`, and the file that it stands in.
  struct Entry: Sendable {
    var value: JSONValue
    var file: String
  }

  var files: [String]
  var currentContext: String?
  var clusters: [String: Entry] = [:]
  var users: [String: Entry] = [:]
  var contexts: [String: Entry] = [:]

  /// The names of all contexts, sorted.
  public var contextNames: [String] { contexts.keys.sorted() }

  /// Reads and merges files; those that do not exist are passed over as long as one does.
  /// - Throws: ``ConfigurationError``.
  public init(files: [String]) throws {
    self.files = files
    let present = files.filter { FileManager.default.fileExists(atPath: $0) }
    guard !present.isEmpty else {
      throw ConfigurationError(
        file: files.joined(separator: ", "), problem: "does not exist",
        remedy: "point KUBECONFIG at a kubeconfig file")
    }
    for file in present { try merge(file) }
  }

  /// The files that `KUBECONFIG` lists, or the one in the home folder.
  static func standardFiles(environment: [String: String]) -> (files: [String], isExplicit: Bool) {
    let listed = (environment["KUBECONFIG"] ?? "").split(separator: ":").map { String($0) }
    if !listed.isEmpty { return (listed, true) }
    let home =
      environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? FileManager.default.homeDirectoryForCurrentUser.path
    return ([home + "/.kube/config"], false)
  }

  private mutating func merge(_ file: String) throws {
    let bytes = try ConfigurationFile.read(file, field: nil, remedy: "let this user read it")
    let documents: [JSONValue]
    do {
      documents = try YAML.parse(String(decoding: bytes, as: UTF8.self))
    } catch {
      throw ConfigurationError(file: file, problem: "is not YAML (\(error))", remedy: "correct or write it anew")
    }
    // An empty file is an empty kubeconfig; kubectl takes it that way too.
    guard let root = documents.first, !root.isNull else { return }
    guard root.objectValue != nil else {
      throw ConfigurationError(file: file, problem: "is not a mapping", remedy: "write `kind: Config` with its fields")
    }
    if let kind = root["kind"]?.stringValue, kind != "Config" {
      throw ConfigurationError(
        file: file, field: "kind", problem: "is \(kind), not Config", remedy: "name a kubeconfig file")
    }
    if currentContext == nil, let name = root["current-context"]?.stringValue, !name.isEmpty { currentContext = name }
    try Self.collect("clusters", "cluster", of: root, file, into: &clusters)
    try Self.collect("users", "user", of: root, file, into: &users)
    try Self.collect("contexts", "context", of: root, file, into: &contexts)
  }

  private static func collect(
    _ list: String, _ key: String, of root: JSONValue, _ file: String, into entries: inout [String: Entry]
  ) throws {
    guard let listed = root[list], !listed.isNull else { return }
    guard let items = listed.arrayValue else {
      throw ConfigurationError(
        file: file, field: list, problem: "is not a list", remedy: "write it as a list of `name` and `\(key)`")
    }
    for (index, item) in items.enumerated() {
      guard let name = item["name"]?.stringValue else {
        throw ConfigurationError(
          file: file, field: "\(list)[\(index)].name", problem: "missing", remedy: "give the entry a name")
      }
      if entries[name] == nil { entries[name] = Entry(value: item[key] ?? [:], file: file) }
    }
  }
}
