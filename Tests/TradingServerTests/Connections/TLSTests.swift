import Foundation
import NIOCore
import Testing

@testable import TradingServer

/// A self-signed certificate made by the openssl program, as people do.
func makeCertificate(in folder: String, name: String) async throws -> TLSFiles {
  let files = TLSFiles(certificate: folder + "/cert.pem", key: folder + "/key.pem")
  let openssl = Process()
  openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
  openssl.arguments = [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
    "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", files.key, "-out", files.certificate,
  ]
  openssl.standardError = FileHandle.nullDevice
  let status = try await withCheckedThrowingContinuation { continuation in
    openssl.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
    do { try openssl.run() } catch { continuation.resume(throwing: error) }
  }
  try #require(status == 0)
  return files
}

@Suite struct TLSTests {
  @Test func aRenewedCertificateIsTakenOverAndABrokenOneIsNot() async throws {
    let files = try await makeCertificate(in: try makeDirectory(), name: "one.example")
    let context = try TLSContext(files: files, logger: quietLogger)
    let first = context.current
    context.reloadIfChanged()
    #expect(context.current === first)

    _ = try await makeCertificate(in: URL(filePath: files.key).deletingLastPathComponent().path, name: "two.example")
    context.reloadIfChanged()
    let second = context.current
    #expect(second !== first)

    try Data("broken".utf8).write(to: URL(filePath: files.certificate))
    context.reloadIfChanged()
    #expect(context.current === second)
  }

  @Test func configurationTriesTheFiles() async throws {
    let files = try await makeCertificate(in: try makeDirectory(), name: "one.example")
    let good = ["DB_HOST": "h", "DB_NAME": "n", "DB_USER": "u", "REDIS_HOST": "r"]
    func problems(_ more: [String: String]) -> [String] { configurationProblems(good.merging(more) { $1 }) }
    #expect(problems(["TLS_CERT_FILE": files.certificate, "TLS_KEY_FILE": files.key]).isEmpty)
    #expect(problems(["TLS_CERT_FILE": files.certificate]) == ["TLS_KEY_FILE"])
    #expect(problems(["TLS_KEY_FILE": files.key]) == ["TLS_CERT_FILE"])
    #expect(problems(["TLS_CERT_FILE": files.key, "TLS_KEY_FILE": files.key]) == ["TLS_CERT_FILE"])
  }

  @Test func requestsAndWebSocketsGoOnWhileTheCertificateIsRenewed() async throws {
    let files = try await makeCertificate(in: try makeDirectory(), name: "one.example")
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    let redis = try RedisServer()
    try await redis.waitUntilReady()
    let environment = ["TLS_CERT_FILE": files.certificate, "TLS_KEY_FILE": files.key]
    try await withServer(postgres: postgres, redis: redis.settings, environment: environment) { port, _ in
      let one = try WireClient.Trust(certificate: files.certificate, name: "one.example")
      try await eventually("the server is ready") {
        try await WireClient.request(port, "GET", "/ready", trust: one).status == 200
      }
      #expect(await HealthProbe.isHealthy(port: port, isSecure: true))
      #expect(await !HealthProbe.isHealthy(port: port, isSecure: false))
      let body = #"{"clientOrderId":"tls","symbol":"EURUSD","side":"buy","volume":"0.10"}"#
      let order = try await WireClient.request(port, "POST", "/api/orders", body: body, trust: one)
      #expect(order.status == 201)
      #expect(order.head.lowercased().contains("strict-transport-security: max-age=31536000"))

      try await WireSocket.with(port, trust: one) { socket in
        try await socket.send(#"{"type":"subscribe","symbols":["EURUSD"]}"#)
        #expect(try await socket.nextJSON()["type"] as? String == "snapshot")
        let folder = URL(filePath: files.key).deletingLastPathComponent().path
        _ = try await makeCertificate(in: folder, name: "two.example")
        let two = try WireClient.Trust(certificate: files.certificate, name: "two.example")
        try await eventually("new connections get the renewed certificate") {
          try await WireClient.request(port, "GET", "/health", trust: two).status == 200
        }
        // The old one is over for newcomers, and whoever is connected notices nothing.
        await #expect(throws: (any Error).self) { try await WireClient.request(port, "GET", "/health", trust: one) }
        let receipt = try await WireClient.request(port, "GET", "/api/orders/tls", trust: two)
        #expect(receipt.body == order.body)
        // What it is sent is answered, and prices go on after that.
        let alarm = socket.hangUp(after: .seconds(20))
        try await socket.send(#"{"type":"ping"}"#)
        while try await socket.nextJSON()["type"] as? String != "pong" {}
        for _ in 0..<3 { #expect(try await socket.nextJSON()["type"] as? String == "tick") }
        alarm.cancel()
      }
    }
  }
}
