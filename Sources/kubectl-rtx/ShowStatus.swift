import ArgumentParser
import KubernetesClient
import KubernetesModels
import RTXPlatformAPI

/// `kubectl rtx status [NAME]`
struct ShowStatus: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show how platforms are, component by component, and what to do where it is not well.",
    discussion: "Exits with 1 when a platform shown is not Ready.")

  @Argument(help: "A platform's name; all platforms of the namespace by default.") var platform: String?
  @Option(name: [.customShort("n"), .customLong("namespace")], help: "The namespace; the kubeconfig's own by default.")
  var namespace: String?
  @Flag(name: [.customShort("A"), .customLong("all-namespaces")], help: "Platforms of all namespaces.")
  var everywhere = false
  @Option(help: "The kubeconfig's context to use.") var context: String?

  func validate() throws {
    if everywhere, platform != nil || namespace != nil {
      throw ValidationError("--all-namespaces goes with neither a name nor --namespace")
    }
  }

  func run() async throws {
    let client = try KubernetesClient(configuration: .inferred(context: context))
    let found: Result<[RTXPlatform], any Error>
    do { found = .success(try await platforms(client)) } catch { found = .failure(error) }
    try await client.shutdown()
    let platforms = try found.get()
    guard !platforms.isEmpty else {
      print(everywhere ? "There is no platform." : "There is no platform in \(scope(client)).")
      return
    }
    let now = Timestamp.now
    print(platforms.map { PlatformReport($0, now: now).text }.joined(separator: "\n\n"))
    if platforms.contains(where: { !PlatformReport($0, now: now).isReady }) { throw ExitCode(1) }
  }

  private func scope(_ client: KubernetesClient) -> String { namespace ?? client.defaultNamespace }

  private func platforms(_ client: KubernetesClient) async throws -> [RTXPlatform] {
    if let platform { return [try await client.get(RTXPlatform.self, platform, in: scope(client))] }
    return try await client.list(RTXPlatform.self, in: everywhere ? nil : scope(client)).items
  }
}
