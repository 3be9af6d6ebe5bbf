import Foundation
import KubernetesClient
import KubernetesModels
import Logging
import OperatorTestKit
import SandboxCluster
import Testing

@testable import OperatorRuntime

/// The manager's endpoints behind TLS and tokens.
@Suite(.timeLimit(.minutes(1))) struct ManagerEndpointTests {
  let server: TestAPIServer
  let folder = FileManager.default.temporaryDirectory.appending(path: "endpoints-\(UUID().uuidString)")

  init() throws {
    server = try TestAPIServer()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try writeCertificate(by: server.server.certificateAuthority)
  }

  func writeCertificate(by authority: CertificateAuthority) throws {
    let identity = try authority.issue(
      commonName: "operator", usage: .server(dnsNames: ["localhost"], addresses: ["127.0.0.1"]))
    try identity.certificatePEM.write(to: folder.appending(path: "tls.crt"), atomically: true, encoding: .utf8)
    try identity.privateKeyPEM.write(to: folder.appending(path: "tls.key"), atomically: true, encoding: .utf8)
  }

  func token(_ name: String) async throws -> String {
    try await server.client.create(ServiceAccount(metadata: ObjectMeta(name: name, namespace: "default")))
    return try await server.client.createToken(serviceAccount: name, in: "default", expirationSeconds: 3600).token
  }

  func status(_ client: KubernetesClient, _ path: String, token: String? = nil) async throws -> Int {
    let headers = token.map { [(name: "Authorization", value: "Bearer \($0)")] } ?? []
    return try await client.raw(KubernetesRequest(path: path, headers: headers)).status
  }

  func trusting(_ authority: CertificateAuthority, port: Int) throws -> KubernetesClient {
    try KubernetesClient(
      configuration: ClusterConfiguration(
        server: "https://127.0.0.1:\(port)", certificateAuthority: Array(authority.certificatePEM.utf8)))
  }

  @Test func metricsNeedTLSAndATokenThatMayReadThem() async throws {
    var quiet = Logger(label: "test")
    quiet.logLevel = .error
    let certificate = EndpointSecurity.Certificate(
      chainFile: folder.appending(path: "tls.crt").path, keyFile: folder.appending(path: "tls.key").path)
    let manager = Manager(
      client: server.client, logger: quiet,
      options: ManagerOptions(
        healthPort: 0, metricsPort: 0, host: "127.0.0.1",
        metricsSecurity: EndpointSecurity(certificate: certificate, access: .authorized), signals: []))
    manager.add(service: { try await Task.sleep(for: .seconds(600)) })
    let run = Task { try await manager.run() }
    defer { run.cancel() }
    #expect(await eventually { manager.metricsPort != nil && manager.healthPort != nil })
    let port = try #require(manager.metricsPort)

    let scraper = try await token("scraper")
    let stranger = try await token("stranger")
    try await server.client.create(
      ClusterRole(
        metadata: ObjectMeta(name: "metrics"), rules: [PolicyRule(nonResourceURLs: ["/metrics"], verbs: ["get"])]))
    try await server.client.create(
      ClusterRoleBinding(
        metadata: ObjectMeta(name: "metrics"),
        roleRef: RoleRef(apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "metrics"),
        subjects: [Subject(kind: "ServiceAccount", name: "scraper", namespace: "default")]))

    let client = try trusting(server.server.certificateAuthority, port: port)
    #expect(try await status(client, "/metrics") == 401)
    #expect(try await status(client, "/metrics", token: "made-up") == 401)
    #expect(try await status(client, "/metrics", token: stranger) == 403)
    #expect(try await status(client, "/metrics", token: scraper) == 200)
    try await client.shutdown()

    // Renewed by another authority: no restart needed.
    let other = try CertificateAuthority(commonName: "other")
    try writeCertificate(by: other)
    let renewed = try trusting(other, port: port)
    #expect(try await status(renewed, "/metrics", token: scraper) == 200)
    try await renewed.shutdown()

    let health = try #require(manager.healthPort)
    let plain = try KubernetesClient(configuration: ClusterConfiguration(server: "http://127.0.0.1:\(health)"))
    #expect(try await status(plain, "/healthz") == 200)
    #expect(try await status(plain, "/readyz") == 200)
    try await plain.shutdown()
    try FileManager.default.removeItem(at: folder)
  }

  @Test func answerAboutATokenIsRememberedForAWhileOnly() async throws {
    let clock = TestClock()
    let faults = FaultInjector(server.transport)
    let authenticator = TokenAuthenticator(
      client: KubernetesClient(transport: faults), access: .authenticated, time: TimeSource(clock))
    let token = try await token("scraper")
    for _ in 0..<5 {
      #expect(await authenticator.verdict(authorization: "Bearer \(token)", path: "/metrics") == .allowed)
    }
    #expect(faults.requests.count == 1)
    faults.setPlan { _ in .refuse(.internalError) }
    await clock.advance(by: .seconds(59))
    #expect(await authenticator.verdict(authorization: "Bearer \(token)", path: "/metrics") == .allowed)
    await clock.advance(by: .seconds(1))
    #expect(await authenticator.verdict(authorization: "Bearer \(token)", path: "/metrics") == .unavailable)
    #expect(await authenticator.verdict(authorization: "Basic \(token)", path: "/metrics") == .unknown)
  }
}
