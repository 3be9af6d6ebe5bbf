import Foundation
import Synchronization
import Testing

@testable import SandboxCluster

private let kubectl = onPath("kubectl")

/// The server behind TLS, as stock kubectl sees it.
@Suite(.enabled(if: kubectl != nil, "needs kubectl"), .serialized) struct APIServerKubectlTests {
  struct Outcome {
    var code: Int32
    var output: String
    var errors: String
  }

  /// Runs a body with a way to call kubectl as the administrator.
  private func withKubectl(
    _ body: (_ server: APIServer, _ run: @escaping @Sendable ([String], String) async throws -> Outcome) async throws ->
      Void
  ) async throws {
    let server = try APIServer()
    let frontEnd = APIServerFrontEnd(server: server)
    let port = try await frontEnd.bind(host: "127.0.0.1", port: 0)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apiserver-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let config = folder.appendingPathComponent("config").path
    try server.adminKubeconfig(server: "https://127.0.0.1:\(port)").write(
      toFile: config, atomically: true, encoding: .utf8)
    do {
      try await body(server) { arguments, input in
        try await Self.run(
          try #require(kubectl), ["--kubeconfig", config, "--cache-dir", folder.path + "/cache"] + arguments,
          input: input)
      }
    } catch {
      try? await frontEnd.shutdown()
      throw error
    }
    try await frontEnd.shutdown()
    try? FileManager.default.removeItem(at: folder)
  }

  private static func run(_ program: String, _ arguments: [String], input: String) async throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = (stdin, stdout, stderr)
    try process.run()
    try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try stdin.fileHandleForWriting.close()
    return await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        let errors = Mutex(Data())
        let group = DispatchGroup()
        DispatchQueue.global().async(group: group) {
          let data = stderr.fileHandleForReading.readDataToEndOfFile()
          errors.withLock { $0 = data }
        }
        let output = stdout.fileHandleForReading.readDataToEndOfFile()
        group.wait()
        process.waitUntilExit()
        continuation.resume(
          returning: Outcome(
            code: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: errors.withLock { $0 }, as: UTF8.self)))
      }
    }
  }

  private static let manifest = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, labels: {app: web}}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: c, image: "example:1"}]}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: web}
    spec: {selector: {app: web}, ports: [{port: 80}]}
    """

  private static let absent = "{apiVersion: example.com/v1, kind: Absent, metadata: {name: x}}"

  @Test(.timeLimit(.minutes(1))) func aTokenActsWithTheRightsOfItsAccount() async throws {
    try await withKubectl { server, kubectl in
      let token = try server.issueToken(namespace: "default", serviceAccount: "default")
      let whoami = try await kubectl(["auth", "whoami", "--token", token, "-o", "name"], "")
      #expect(whoami.code == 0, "\(whoami.errors)")
      // The administrator's certificate is on the same connection: the token must win.
      let secrets = try await kubectl(["get", "secrets", "--token", token], "")
      #expect(secrets.code == 1)
      #expect(
        secrets.errors.contains("User \"system:serviceaccount:default:default\" cannot list resource \"secrets\""))
      let forged = try await kubectl(["get", "secrets", "--token", token + "x"], "")
      #expect(forged.code == 1 && forged.errors.contains("You must be logged in"))
    }
  }

  @Test(.timeLimit(.minutes(2))) func kubectlAppliesGetsExplainsAndDeletes() async throws {
    try await withKubectl { _, kubectl in
      func expect(_ arguments: String, contains wanted: String, input: String = "", code: Int32 = 0) async throws {
        let outcome = try await kubectl(arguments.split(separator: " ").map(String.init), input)
        let all = outcome.output + outcome.errors
        #expect(outcome.code == code && all.contains(wanted), "kubectl \(arguments): exit \(outcome.code)\n\(all)")
      }
      try await expect("apply -f -", contains: "deployment.apps/web created", input: Self.manifest)
      try await expect("apply -f -", contains: "deployment.apps/web unchanged", input: Self.manifest)
      try await expect(
        "apply -f -", contains: "deployment.apps/web configured",
        input: Self.manifest.replacingOccurrences(of: "example:1", with: "example:2"))
      try await expect(
        "apply --server-side --force-conflicts -f -", contains: "serverside-applied", input: Self.manifest)
      try await expect("apply --dry-run=server -f -", contains: "(server dry run)", input: Self.manifest)
      try await expect("get deploy,svc", contains: "deployment.apps/web   0/2")
      try await expect("get deploy web -o wide", contains: "app=web")
      try await expect("get deploy web -o jsonpath={.spec.replicas}", contains: "2")
      try await expect("get all", contains: "service/web")
      try await expect("describe deployment web", contains: "RollingUpdateStrategy:")
      try await expect("explain deployment.spec.replicas", contains: "FIELD: replicas <integer>")
      try await expect("scale deployment web --replicas=5", contains: "scaled")
      try await expect("label deployment web extra=1", contains: "labeled")
      try await expect("annotate deployment web note=x", contains: "annotated")
      try await expect("patch deployment web -p {\"spec\":{\"paused\":true}}", contains: "patched")
      try await expect("create configmap cm --from-literal=a=b", contains: "configmap/cm created")
      try await expect("auth can-i delete pods --as=nobody", contains: "no", code: 1)
      try await expect("api-resources", contains: "horizontalpodautoscalers")
      try await expect("get nodes", contains: "No resources found")
      try await expect("get pods absent", contains: "Error from server (NotFound): pods \"absent\" not found", code: 1)
      try await expect(
        "apply -f -", contains: "unknown field \"spec.colour\"",
        input: "{apiVersion: v1, kind: Service, metadata: {name: odd}, spec: {colour: red, ports: [{port: 1}]}}",
        code: 1)
      try await expect("create job once --image=i:1 -- run", contains: "job.batch/once created")
      try await expect("get job once -o jsonpath={.spec.template.spec.containers[0].command[0]}", contains: "run")
      try await expect("autoscale deployment web --max=4", contains: "autoscaled")
      try await expect("create token default", contains: "eyJ")
      try await expect("apply -f -", contains: "no matches for kind \"Absent\"", input: Self.absent, code: 1)
      try await expect("delete deployment web --cascade=orphan --wait=false", contains: "deleted")
      try await expect("version", contains: "Server Version: v1.33.0")
    }
  }
}
