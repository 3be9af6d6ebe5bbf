import Foundation
import KubernetesModels
import NIOHTTP1
import NIOSSL
import Testing

@testable import KubernetesClient

/// Certificates made on the spot by the openssl program; without it these tests are left out.
struct TLSTests {
  private static var hasOpenSSL: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl") }

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func openssl(_ arguments: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments.split(separator: " ").map { String($0) }
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "openssl \(arguments)")
  }

  private func authority(_ name: String) throws {
    try openssl(
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(name).key -out \(name).crt -days 2 "
        + "-subj /CN=\(name)")
  }

  private func certificate(_ name: String, by authority: String, alternatives: String) throws {
    try folder.write("\(name).ext", "subjectAltName=\(alternatives)\n")
    try openssl(
      "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(name).key -out \(name).csr -subj /CN=\(name)")
    try openssl(
      "x509 -req -in \(name).csr -CA \(authority).crt -CAkey \(authority).key -CAcreateserial -days 2 -out \(name).crt "
        + "-extfile \(name).ext")
  }

  private func bytes(_ file: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + file)))
  }

  private func version(_ configuration: ClusterConfiguration) async throws -> String {
    let client = try KubernetesClient(configuration: configuration)
    let result: Result<String, any Error>
    do { result = .success(try await client.serverVersion()) } catch { result = .failure(error) }
    try await client.shutdown()
    return try result.get()
  }

  @Test(.enabled(if: hasOpenSSL)) func bothSidesProveWhoTheyAre() async throws {
    try authority("ca")
    try authority("stranger")
    try certificate("server", by: "ca", alternatives: "DNS:kubernetes.default.svc")
    try certificate("admin", by: "ca", alternatives: "DNS:admin")
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMBytes(try bytes("server.crt")).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(bytes: try bytes("server.key"), format: .pem)))
    tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(try bytes("ca.crt")))
    tls.certificateVerification = .noHostnameVerification
    let server = try await LoopbackServer(tls: tls) { head in
      .init(body: "{\"gitVersion\":\"\(head.headers["Host"].joined())\"}")
    }
    let admin = Credentials.Certificate(chain: try bytes("admin.crt"), key: try bytes("admin.key"))
    let good = ClusterConfiguration(
      server: "https://127.0.0.1:\(server.port)", certificateAuthority: try bytes("ca.crt"),
      tlsServerName: "kubernetes.default.svc", credentials: .init(certificate: admin))
    #expect(try await version(good) == "127.0.0.1:\(server.port)", "the Host header names the address, not the SNI")

    var wrongName = good
    wrongName.tlsServerName = nil
    var wrongAuthority = good
    wrongAuthority.certificateAuthority = try bytes("stranger.crt")
    for bad in [wrongName, wrongAuthority] {
      await #expect {
        _ = try await version(bad)
      } throws: { error in
        guard case .transport(let failure) = error as? KubernetesError else { return false }
        return failure.kind == .certificate
      }
    }
    var careless = wrongName
    careless.verifiesServer = false
    _ = try await version(careless)
    var anonymous = good
    anonymous.credentials = .init()
    await #expect(throws: KubernetesError.self) { _ = try await version(anonymous) }
    try await server.close()
  }

  @Test func aBrokenAuthorityIsNamed() throws {
    let configuration = ClusterConfiguration(
      server: "https://127.0.0.1:1", certificateAuthority: Array("nonsense".utf8), source: "/tmp/kubeconfig")
    #expect {
      _ = try HTTPTransport(configuration: configuration)
    } throws: { error in
      guard case .configuration(let problem) = error as? KubernetesError else { return false }
      return problem.file == "/tmp/kubeconfig" && problem.field == "certificate-authority"
    }
  }
}
