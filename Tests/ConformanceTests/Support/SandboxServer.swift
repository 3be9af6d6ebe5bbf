import Foundation
import KubernetesClient
import SandboxCluster

/// Keeps what must live as long as the server.
private actor Running {
  static let shared = Running()
  private var parts: [APIServerFrontEnd] = []
  func keep(_ frontEnd: APIServerFrontEnd) { parts.append(frontEnd) }
}

/// Starts a sandbox API server in this process, and puts it behind TLS too for tests about credentials.
func startSandbox(_ kind: Servers) async throws -> TestServer {
  var settings = APIServer.Configuration()
  settings.eventHistory = 500
  settings.bookmarkInterval = .seconds(1)
  let server = try APIServer(configuration: settings)
  let frontEnd = APIServerFrontEnd(server: server)
  let port = try await frontEnd.bind(host: "127.0.0.1", port: 0)
  await Running.shared.keep(frontEnd)
  let folder = try ScratchFolder()
  let address = "https://127.0.0.1:\(port)"
  try folder.write(server.adminKubeconfig(server: address), to: "kubeconfig")
  let result = TestServer(
    kind: kind, client: server.client(as: .admin), configuration: try .kubeconfig("\(folder.path)/kubeconfig"),
    writesUntilExpiry: settings.eventHistory + 1)
  if kind == .sandboxWithControllers {
    // For as long as the process lives.
    Task.detached {
      try await workloadControllers(
        client: server.client(as: .admin), configuration: WorkloadConfiguration(volumeRoot: folder.path + "/volumes")
      ).run()
    }
  }
  return result
}
