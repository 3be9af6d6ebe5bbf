import ArgumentParser
import FoundationEssentials
import KubernetesClient
import KubernetesModels

/// Where the small stand-ins for kubectl send their requests.
struct ClusterOptions: ParsableArguments {
  @Option(help: "A kubeconfig; by default that of the sandbox named by --name.")
  var kubeconfig: String?

  @OptionGroup var sandbox: SandboxOptions

  func withClient<T: Sendable>(_ body: (KubernetesClient) async throws -> T) async throws -> T {
    let path = kubeconfig ?? sandbox.state.kubeconfig
    guard FileManager.default.fileExists(atPath: path) else {
      throw SandboxFailure(
        "no kubeconfig at \(path): start a cluster with 'rtx-sandbox up', or name one by --kubeconfig")
    }
    let client = try KubernetesClient(configuration: .kubeconfig(path))
    do {
      let result = try await body(client)
      try await client.shutdown()
      return result
    } catch {
      try? await client.shutdown()
      throw error
    }
  }
}

struct Apply: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Apply manifests server-side (for machines without kubectl).",
    discussion: "kubectl does this and much more: https://kubernetes.io/docs/tasks/tools/")

  @OptionGroup var cluster: ClusterOptions

  @Option(name: .shortAndLong, help: "A YAML file, or a kustomization folder that only lists resources.")
  var filename: String

  func run() async throws {
    let documents = try Manifests.load(filename)
    try await cluster.withClient { client in
      try await Installer(client: client).apply(documents) { print("\($0) serverside-applied") }
    }
  }
}

/// Applies manifests in order, waiting for each CustomResourceDefinition to be served before what follows it.
struct Installer {
  let client: KubernetesClient
  var fieldManager = "rtx-sandbox"

  /// What others need comes first, as kustomize orders its output; otherwise the order given.
  static func inOrder(_ documents: [JSONValue]) -> [JSONValue] {
    let first = [
      "Namespace", "CustomResourceDefinition", "ServiceAccount", "Role", "ClusterRole", "RoleBinding",
      "ClusterRoleBinding", "ConfigMap", "Secret", "Service",
    ]
    func rank(_ document: JSONValue) -> Int {
      first.firstIndex(of: document["kind"]?.stringValue ?? "") ?? first.count
    }
    return documents.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(
      \.element)
  }

  func apply(_ documents: [JSONValue], report: (String) -> Void = { _ in }) async throws {
    for document in Self.inOrder(documents) {
      let object = DynamicObject(document)
      let type = try await client.resourceType(apiVersion: object.apiVersion ?? "", kind: object.kind ?? "")
      var scoped = object
      if type.isNamespaced, object.namespace == nil {
        scoped.json.set(.string("default"), at: ["metadata", "namespace"])
      }
      _ = try await client.apply(type, scoped, fieldManager: fieldManager, force: true)
      report("\(type.plural)\(type.group.isEmpty ? "" : "." + type.group)/\(object.name ?? "")")
    }
  }
}

extension KubernetesClient {
  /// What the server calls a kind: by discovery, so that custom resources work as built-in ones.
  func resourceType(apiVersion: String, kind: String) async throws -> ResourceType {
    // A CustomResourceDefinition applied a moment ago may not be served yet.
    for _ in 1...20 {
      let types = try await discover().resources.map(\.type)
      if let type = types.first(where: { $0.apiVersion == apiVersion && $0.kind == kind }) { return type }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw SandboxFailure(
      "the server has no kind '\(kind)' in \(apiVersion): apply its CustomResourceDefinition first, or check the spelling"
    )
  }

  /// The type that a user names: `pods`, `po`, `deployments.apps`, `RTXPlatform`.
  func resourceType(named name: String) async throws -> ResourceType {
    guard let resource = try await discover().resource(named: name) else {
      throw SandboxFailure("the server has no resource type '\(name)'")
    }
    return resource.type
  }
}
