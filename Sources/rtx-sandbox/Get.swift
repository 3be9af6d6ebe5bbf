import ArgumentParser
import KubernetesClient
import KubernetesModels

struct Get: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List objects as a table or YAML (for machines without kubectl).")

  @OptionGroup var cluster: ClusterOptions
  @Argument(help: "A resource type, such as pods, svc or rtx.") var type: String
  @Argument(help: "One object's name.") var objectName: String?
  @Option(name: [.customShort("n"), .customLong("namespace")], help: "The namespace.") var namespace = "default"
  @Flag(name: [.customShort("A"), .customLong("all-namespaces")], help: "All namespaces.") var everywhere = false
  @Option(name: .shortAndLong, help: "table or yaml.") var output = "table"

  func run() async throws {
    try await cluster.withClient { client in
      let type = try await client.resourceType(named: self.type)
      let scope = type.isNamespaced && !everywhere ? namespace : nil
      if output == "yaml" {
        let objects =
          if let objectName { [try await client.get(type, objectName, in: scope)] } else {
            try await client.list(type, in: scope).items
          }
        print(objects.map { YAML.serialize($0.json) }.joined(separator: "---\n"))
      } else {
        print(try await table(client, type, scope))
      }
    }
  }

  /// The server renders the columns, as it does for kubectl.
  private func table(_ client: KubernetesClient, _ type: ResourceType, _ namespace: String?) async throws -> String {
    var path = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
    if let namespace { path += "/namespaces/\(namespace)" }
    path += "/" + type.plural + (objectName.map { "/" + $0 } ?? "")
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    let response = try await client.raw(
      KubernetesRequest(method: .get, path: path, headers: [(name: "Accept", value: accept)]))
    let table = try JSONValue(parsing: try await response.body.collect(upTo: 64 << 20))
    guard response.status == 200 else {
      throw SandboxFailure(table["message"]?.stringValue ?? "HTTP \(response.status)")
    }
    let columns = table["columnDefinitions"]?.arrayValue ?? []
    let shown = columns.indices.filter { (columns[$0]["priority"]?.intValue ?? 0) == 0 }
    var lines = [shown.map { (columns[$0]["name"]?.stringValue ?? "").uppercased() }]
    for row in table["rows"]?.arrayValue ?? [] {
      let cells = row["cells"]?.arrayValue ?? []
      lines.append(shown.map { $0 < cells.count ? text(cells[$0]) : "" })
    }
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      let padded = zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count + 3) }.joined()
      return String(padded.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }

  private func text(_ cell: JSONValue) -> String {
    cell.stringValue ?? (cell.isNull ? "<none>" : cell.serializedString())
  }
}

struct Delete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Delete one object (for machines without kubectl).")

  @OptionGroup var cluster: ClusterOptions
  @Argument(help: "TYPE/NAME, such as rtx/trading.") var target: String
  @Option(name: [.customShort("n"), .customLong("namespace")], help: "The namespace.") var namespace = "default"

  func run() async throws {
    let (typeName, objectName) = try split(target)
    try await cluster.withClient { client in
      let type = try await client.resourceType(named: typeName)
      try await client.delete(type, objectName, in: type.isNamespaced ? namespace : nil)
      print("\(type.plural) \"\(objectName)\" deleted")
    }
  }
}

/// `TYPE/NAME` taken apart.
func split(_ target: String) throws -> (type: String, name: String) {
  let parts = target.split(separator: "/", maxSplits: 1)
  guard parts.count == 2 else { throw ValidationError("'\(target)': write TYPE/NAME, such as rtx/trading") }
  return (String(parts[0]), String(parts[1]))
}

struct Wait: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Wait until an object's condition is true (for machines without kubectl).")

  @OptionGroup var cluster: ClusterOptions
  @Argument(help: "TYPE/NAME, such as rtx/trading.") var target: String
  @Option(name: [.customShort("n"), .customLong("namespace")], help: "The namespace.") var namespace = "default"
  @Option(name: .customLong("for"), help: "condition=NAME.") var goal = "condition=Ready"
  @Option(help: "Seconds.") var timeout = 120

  func run() async throws {
    guard goal.hasPrefix("condition=") else { throw ValidationError("--for '\(goal)': write condition=NAME") }
    let condition = String(goal.dropFirst("condition=".count))
    let (typeName, objectName) = try split(target)
    try await cluster.withClient { client in
      let type = try await client.resourceType(named: typeName)
      let deadline = ContinuousClock.now + .seconds(timeout)
      var shown = ""
      while ContinuousClock.now < deadline {
        let object = try await client.get(type, objectName, in: type.isNamespaced ? namespace : nil)
        let conditions = object.json.value(at: ["status", "conditions"])?.arrayValue ?? []
        let found = conditions.first { $0["type"]?.stringValue == condition }
        if found?["status"]?.stringValue == "True" {
          print("\(type.plural)/\(objectName) condition met")
          return
        }
        let line = "\(condition): \(found?["message"]?.stringValue ?? "not reported yet")"
        if line != shown {
          progress(line)
          shown = line
        }
        try await Task.sleep(for: .milliseconds(500))
      }
      throw SandboxFailure("timed out after \(timeout) s waiting for \(condition) on \(target); last seen: \(shown)")
    }
  }
}
