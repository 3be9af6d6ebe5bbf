import Foundation
import KubernetesModels
import NIOSSL
import Testing

@testable import KubernetesClient

/// A folder of its own for each test, removed at the end.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "kubernetes-client-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  @discardableResult
  func write(_ name: String, _ text: String, executable: Bool = false) throws -> String {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    if executable { try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file) }
    return file
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct KubeconfigTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func kubeconfig(
    server: String = "https://a:6443", cluster: String = "", user: String, current: String = "main"
  ) -> String {
    """
    apiVersion: v1
    kind: Config
    current-context: \(current)
    clusters:
    - name: c
      cluster:
        server: \(server)
    \(cluster)
    contexts:
    - name: main
      context: {cluster: c, user: u, namespace: rtx}
    users:
    - name: u
      user: \(user)
    """
  }

  @Test func inlineDataIsDecoded() throws {
    let data = { (text: String) in Data(text.utf8).base64EncodedString() }
    let file = try folder.write(
      "config",
      Self.kubeconfig(
        server: "https://a:6443/",
        cluster: "    certificate-authority-data: \(data("CA"))\n    tls-server-name: kubernetes",
        user: "{client-certificate-data: \(data("CERT")), client-key-data: \(data("KEY")), token: t0}"))
    let configuration = try ClusterConfiguration.kubeconfig(file)
    #expect(configuration.server == "https://a:6443")
    #expect(configuration.namespace == "rtx")
    #expect(configuration.certificateAuthority == Array("CA".utf8))
    #expect(configuration.tlsServerName == "kubernetes")
    #expect(configuration.verifiesServer)
    #expect(configuration.credentials.certificate == .init(chain: Array("CERT".utf8), key: Array("KEY".utf8)))
    guard case .token("t0") = configuration.credentials.bearer else {
      Issue.record("no token")
      return
    }
    #expect(!"\(configuration)".contains("t0"), "credentials must not be printed")
  }

  @Test func theFirstFileWinsAndPathsAreRelativeToTheirOwnFile() throws {
    let first = try folder.write(
      "one/config",
      """
      clusters:
      - {name: c, cluster: {server: "https://first:1", certificate-authority: pki/ca.crt}}
      users:
      - {name: u, user: {tokenFile: tokens/t}}
      """)
    try folder.write("one/pki/ca.crt", "FIRST CA")
    let second = try folder.write(
      "two/config", Self.kubeconfig(server: "https://second:2", user: "{token: second}"))
    let missing = folder.path + "/missing"
    let configuration = try ClusterConfiguration.inferred(
      environment: ["KUBECONFIG": [missing, first, second].joined(separator: ":")])
    #expect(configuration.server == "https://first:1")
    #expect(configuration.certificateAuthority == Array("FIRST CA".utf8))
    guard case .file(let path) = configuration.credentials.bearer else {
      Issue.record("no token file")
      return
    }
    #expect(path == folder.path + "/one/tokens/t")
  }

  @Test func errorsNameFileFieldAndRemedy() throws {
    let cases: [(text: String, field: String)] = [
      (Self.kubeconfig(user: "{token: t}", current: "other"), "contexts[other]"),
      (Self.kubeconfig(server: "nonsense", user: "{token: t}"), "clusters[c].cluster.server"),
      (
        Self.kubeconfig(user: "{client-certificate: /nowhere, client-key: /nowhere}"),
        "users[u].user.client-certificate"
      ),
      (Self.kubeconfig(user: "{client-certificate-data: '%%%'}"), "users[u].user.client-certificate-data"),
      (Self.kubeconfig(user: "{client-key-data: S0VZ}"), "users[u].user.client-certificate"),
      (Self.kubeconfig(user: "{username: a, password: b}"), "users[u].user.username"),
      (Self.kubeconfig(user: "{exec: {apiVersion: v0, command: x}}"), "users[u].user.exec.apiVersion"),
      ("clusters: 5", "clusters"),
    ]
    for (text, field) in cases {
      let file = try folder.write("bad", text)
      do {
        _ = try ClusterConfiguration.kubeconfig(file)
        Issue.record("\(field): accepted")
      } catch let error as ConfigurationError {
        #expect(error.field == field, "\(error)")
        #expect(error.file.contains(file) && !error.remedy.isEmpty)
      }
    }
  }

  @Test func aPodFindsItsServiceAccount() throws {
    try folder.write("token", "abc\n")
    try folder.write("ca.crt", "CA")
    try folder.write("namespace", "trading")
    let configuration = try ClusterConfiguration.inCluster(
      environment: ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"], folder: folder.path)
    #expect(configuration.server == "https://[fd00::1]:443")
    #expect(configuration.namespace == "trading")
  }

  @Test func aTokenFileIsReadAgain() async throws {
    let file = try folder.write("token", "one\n")
    let eager = try CredentialSource(Credentials(bearer: .file(file)), rereadInterval: .zero)
    let lazy = try CredentialSource(Credentials(bearer: .file(file)), rereadInterval: .seconds(60))
    #expect(try await eager.current().token == "one")
    #expect(try await lazy.current().token == "one")
    try folder.write("token", "two")
    #expect(try await eager.current().token == "two")
    #expect(try await lazy.current().token == "one")
    #expect(await lazy.invalidate())
    #expect(try await lazy.current().token == "two")
    try FileManager.default.removeItem(atPath: file)
    #expect(try await eager.current().token == "two", "a file that is just being replaced does no harm")
  }
}

extension CredentialSource {
  /// For tests in which no certificate of the server matters.
  init(_ credentials: Credentials, rereadInterval: Duration = .seconds(60)) throws {
    let configuration = ClusterConfiguration(server: "https://a", credentials: credentials)
    self.init(configuration, tls: try .make(configuration), rereadInterval: rereadInterval)
  }
}
