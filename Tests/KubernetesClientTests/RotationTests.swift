import Foundation
import KubernetesModels
import NIOSSL
import SandboxCluster
import Testing

@testable import KubernetesClient

/// Certificates and authorities whose files are replaced under a running client.
struct RotationTests {
  private let folder: TemporaryFolder
  private let authority: CertificateAuthority

  init() throws {
    folder = try TemporaryFolder()
    authority = try CertificateAuthority(commonName: "test")
  }

  private func issue(_ name: String) throws -> CertificateAuthority.Identity {
    try authority.issue(commonName: name, organizations: ["system:masters"], usage: .client)
  }

  private func configuration(_ identity: CertificateAuthority.Identity) throws -> ClusterConfiguration {
    try folder.write("pki/ca.crt", authority.certificatePEM)
    try folder.write("pki/tls.crt", identity.certificatePEM)
    try folder.write("pki/tls.key", identity.privateKeyPEM)
    let file = try folder.write(
      "config",
      """
      current-context: main
      clusters: [{name: c, cluster: {server: "https://127.0.0.1:1", certificate-authority: pki/ca.crt}}]
      contexts: [{name: main, context: {cluster: c, user: u}}]
      users: [{name: u, user: {client-certificate: pki/tls.crt, client-key: pki/tls.key}}]
      """)
    return try .kubeconfig(file)
  }

  @Test func aPairIsTakenOverOnceItFits() async throws {
    let (first, second) = (try issue("one"), try issue("two"))
    let configuration = try configuration(first)
    #expect(configuration.certificateAuthorityFile == folder.path + "/pki/ca.crt")
    let source = CredentialSource(configuration, tls: try .make(configuration), rereadInterval: .zero)
    #expect(try await source.current().isRenewed == false)
    try folder.write("pki/tls.crt", second.certificatePEM)
    #expect(try await source.current().isRenewed == false, "a certificate without its key is half a rotation")
    try folder.write("pki/tls.key", second.privateKeyPEM)
    let renewed = try await source.current()
    #expect(renewed.isRenewed)
    #expect(
      renewed.tls.certificateChain
        == (try NIOSSLCertificate.fromPEMBytes(Array(second.certificatePEM.utf8)).map { .certificate($0) }))
    try FileManager.default.removeItem(atPath: folder.path + "/pki/tls.key")
    #expect(try await source.current().isRenewed, "a file that is gone leaves what was there")
  }

  @Test func aRefusalReadsTheFilesAtOnce() async throws {
    let (first, second) = (try issue("one"), try issue("two"))
    let configuration = try configuration(first)
    let source = CredentialSource(configuration, tls: try .make(configuration), rereadInterval: .seconds(60))
    #expect(await source.invalidate() == false, "nothing else is to be had")
    try folder.write("pki/tls.crt", second.certificatePEM)
    try folder.write("pki/tls.key", second.privateKeyPEM)
    #expect(try await source.current().isRenewed == false)
    #expect(await source.invalidate())
    #expect(try await source.current().isRenewed)
  }

  @Test func aServerUnderANewAuthorityIsTrustedAfterItsFileChanged() async throws {
    let configuration = try configuration(try issue("one"))
    let source = CredentialSource(configuration, tls: try .make(configuration), rereadInterval: .zero)
    let other = try CertificateAuthority(commonName: "other")
    try folder.write("pki/ca.crt", "nonsense")
    #expect(try await source.current().isRenewed == false)
    try folder.write("pki/ca.crt", other.certificatePEM)
    let renewed = try await source.current()
    #expect(
      renewed.tls.trustRoots
        == .certificates(try NIOSSLCertificate.fromPEMBytes(Array(other.certificatePEM.utf8))))
  }

  @Test func somebodyElseIsActedAs() async throws {
    let file = try folder.write(
      "as",
      """
      current-context: main
      clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
      contexts: [{name: main, context: {cluster: c, user: u}}]
      users:
      - name: u
        user: {token: t, as: jane, as-uid: "7", as-groups: [a, b], as-user-extra: {"example.com/x": [vip]}}
      """)
    let headers = try ClusterConfiguration.kubeconfig(file).credentials.impersonation?.headers ?? []
    #expect(
      headers.map { "\($0.name)=\($0.value)" } == [
        "Impersonate-User=jane", "Impersonate-Group=a", "Impersonate-Group=b", "Impersonate-Uid=7",
        "Impersonate-Extra-example.com%2Fx=vip",
      ])
    try folder.write(
      "as", try String(contentsOfFile: file, encoding: .utf8).replacingOccurrences(of: "as: jane, ", with: ""))
    #expect {
      _ = try ClusterConfiguration.kubeconfig(file)
    } throws: { ($0 as? ConfigurationError)?.field == "users[u].user.as" }
    try await StreamServer.with { server -> Void in
      var server = server
      server.configuration.credentials.impersonation = .init(user: "jane", groups: ["traders"])
      try await server.withClient { client -> Void in
        await #expect {
          _ = try await client.list(Secret.self, in: "default")
        } throws: { "\($0)".contains("User \"jane\" cannot list") }
      }
    }
  }
}
