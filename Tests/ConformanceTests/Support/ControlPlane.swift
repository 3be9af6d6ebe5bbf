import Foundation
import KubernetesClient
import KubernetesModels
import Testing

/// A real control plane on loopback: etcd, kube-apiserver and, when asked for, kube-controller-manager.
final class ControlPlane: Sendable {
  /// Where the programs are: `KUBEBUILDER_ASSETS`, or envtest's usual place; nil when they are not there.
  static let programs: String? = {
    let named = ProcessInfo.processInfo.environment["KUBEBUILDER_ASSETS"]
    return [named, "/usr/local/kubebuilder/bin"].compactMap { $0 }.first { folder in
      ["etcd", "kube-apiserver"].allSatisfy { FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)") }
    }
  }()
  static let controllerManager: String? = programs.map { "\($0)/kube-controller-manager" }.flatMap {
    FileManager.default.isExecutableFile(atPath: $0) ? $0 : nil
  }

  /// How to reach it as a member of `system:masters`.
  let configuration: ClusterConfiguration
  private let folder: ScratchFolder
  private let processes: [ServerProcess]

  /// Starts etcd and kube-apiserver, and returns when the latter is ready.
  init(within limit: Duration = .seconds(90)) async throws {
    let programs = try #require(Self.programs)
    let folder = try ScratchFolder()
    try Certificates.make(in: folder)
    let ports = try freePorts(3)
    let store = "http://127.0.0.1:\(ports[0])"
    let etcd = try ServerProcess(
      "etcd",
      [
        "\(programs)/etcd", "--data-dir=etcd", "--unsafe-no-fsync", "--listen-client-urls=\(store)",
        "--advertise-client-urls=\(store)", "--listen-peer-urls=http://127.0.0.1:\(ports[1])",
      ], in: folder.path)
    let server = try ServerProcess(
      "kube-apiserver",
      [
        "\(programs)/kube-apiserver", "--etcd-servers=\(store)", "--bind-address=127.0.0.1",
        "--secure-port=\(ports[2])", "--tls-cert-file=server.crt", "--tls-private-key-file=server.key",
        "--client-ca-file=ca.crt", "--authorization-mode=RBAC", "--cert-dir=certs",
        "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=sa.pub",
        "--service-account-signing-key-file=sa.key", "--service-cluster-ip-range=10.96.0.0/16",
        // An address of TEST-NET-1: loopback is not allowed in the `kubernetes` EndpointSlice, which the operator reads.
        "--advertise-address=192.0.2.1",
        // Pods need no ServiceAccount here, so that no controller has to make one first.
        "--disable-admission-plugins=ServiceAccount",
      ], in: folder.path)
    self.folder = folder
    processes = [etcd, server]
    configuration = ClusterConfiguration(
      server: "https://127.0.0.1:\(ports[2])", certificateAuthority: try folder.read("ca.crt"),
      credentials: Credentials(
        certificate: .init(chain: try folder.read("admin.crt"), key: try folder.read("admin.key"))),
      userAgent: "conformance-tests")
    try await waitUntilReady(within: limit)
  }

  private func waitUntilReady(within limit: Duration) async throws {
    let client = try KubernetesClient(configuration: configuration)
    let deadline = ContinuousClock.now + limit
    var isReady = false
    while !isReady, ContinuousClock.now < deadline, processes.allSatisfy(\.isRunning) {
      isReady = (try? await client.raw(KubernetesRequest(path: "/readyz", timeout: .seconds(5))))?.status == 200
      if !isReady { await pause(.milliseconds(100)) }
    }
    try await client.shutdown()
    try #require(isReady, "the control plane is not ready:\n\(processes.map(\.lastOutput).joined(separator: "\n"))")
  }

  /// Starts kube-controller-manager with the namespace controller and the garbage collector alone: the others would
  /// change objects that tests look at.
  func startControllers() throws -> ServerProcess {
    let program = try #require(Self.controllerManager)
    let kubeconfig: JSONValue = [
      "apiVersion": "v1", "kind": "Config", "current-context": "admin",
      "clusters": [
        [
          "name": "local",
          "cluster": [
            "server": .string(configuration.server), "certificate-authority": .string("\(folder.path)/ca.crt"),
          ],
        ]
      ],
      "users": [
        [
          "name": "admin",
          "user": [
            "client-certificate": .string("\(folder.path)/admin.crt"),
            "client-key": .string("\(folder.path)/admin.key"),
          ],
        ]
      ],
      "contexts": [["name": "admin", "context": ["cluster": "local", "user": "admin"]]],
    ]
    try folder.write(kubeconfig.serializedString(), to: "kubeconfig")
    return try ServerProcess(
      "kube-controller-manager",
      [
        program, "--kubeconfig=kubeconfig", "--leader-elect=false", "--secure-port=0",
        "--controllers=namespace-controller,garbage-collector-controller",
      ], in: folder.path)
  }
}
