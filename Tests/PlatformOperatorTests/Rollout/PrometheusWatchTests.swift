import Foundation
import RTXPlatformAPI
import Testing

@testable import PlatformOperator

/// A real Prometheus server that scrapes nothing.
private final class PrometheusServer {
  static let program = "/usr/bin/prometheus"
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

  let address: String
  private let folder: URL
  private let process = Process()

  init() async throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "rtx-prometheus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let configuration = folder.appending(path: "prometheus.yml")
    try "scrape_configs: []\n".write(to: configuration, atomically: true, encoding: .utf8)
    let port = try freePort()
    address = "http://127.0.0.1:\(port)"
    process.executableURL = URL(fileURLWithPath: Self.program)
    process.arguments = [
      "--config.file=\(configuration.path)", "--storage.tsdb.path=\(folder.appending(path: "data").path)",
      "--web.listen-address=127.0.0.1:\(port)", "--log.level=error",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    let ready = address + "/-/ready"
    try await eventually("Prometheus is ready") {
      (try? await PodNetworkAccess().send("GET", ready, timeout: .seconds(1)))?.status == 200
    }
  }

  deinit {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }
}

@Suite(.enabled(if: PrometheusServer.isInstalled, "Debian's package prometheus is not installed"))
struct PrometheusWatchTests {
  private func verdict(_ query: String, _ bounds: ClosedRange<Double>, at address: String) async throws -> WatchVerdict
  {
    let query = RolloutPrometheusQuerySpec(
      maximum: bounds.upperBound, minimum: bounds.lowerBound, name: "q", query: query)
    return try await PrometheusWatch(
      spec: RolloutPrometheusSpec(address: address, queries: [query]),
      placeholders: ["colour": "green", "revision": "0123456789"], token: nil, access: PodNetworkAccess()
    ).verdict()
  }

  @Test(.timeLimit(.minutes(1))) func theAnswersOfARealServerAreJudged() async throws {
    let server = try await PrometheusServer()
    let (address, bounds) = (server.address, -1.0...2.0)
    let cases: [(query: String, verdict: WatchVerdict)] = [
      ("scalar(vector(2))", .healthy),
      ("vector(2)", .healthy),
      ("vector(2.5)", .failed("the query 'q' gives 2.5; the limit is 2")),
      ("vector(0 - 3)", .failed("the query 'q' gives -3; at least -1 is asked for")),
      // Several series, of which one is out of bounds.
      (#"vector(1) or label_replace(vector(7), "a", "b", "", "")"#, .failed("the query 'q' gives 7; the limit is 2")),
      ("vector(1) / 0", .failed("the query 'q' gives inf; the limit is 2")),
      // Nothing of nothing, and nothing at all.
      ("vector(0) / 0", .healthy),
      ("no_such_metric", .healthy),
      // A plus is a plus.
      ("vector(1 + 4)", .failed("the query 'q' gives 5; the limit is 2")),
      (
        #"label_replace(vector(9), "c", "{{colour}} {{revision}}", "", "") == 9"#,
        .failed("the query 'q' gives 9; the limit is 2")
      ),
    ]
    for (query, expected) in cases {
      #expect(try await verdict(query, bounds, at: address) == expected, "\(query)")
      #expect(try await verdict(query, bounds, at: address + "/") == expected, "\(query)")
    }
  }

  @Test(.timeLimit(.minutes(1))) func aQueryWithoutAnAnswerIsNoVerdict() async throws {
    let server = try await PrometheusServer()
    let cases = [
      ("sum(", "parse error"), ("up[5m]", "it gives a matrix"), (#""text""#, "it gives a string"),
    ]
    for (query, reason) in cases {
      guard case .unknown(let text) = try await verdict(query, 0...1, at: server.address) else {
        Issue.record("'\(query)' got a verdict")
        continue
      }
      #expect(text.hasPrefix("Prometheus does not answer the query 'q': "), "\(text)")
      #expect(text.contains(reason), "\(text)")
    }
    let nobody = "http://127.0.0.1:\(try freePort())"
    for address in [nobody, server.address + "/graph"] {
      guard case .unknown = try await verdict("vector(1)", 0...1, at: address) else {
        Issue.record("\(address) gave a verdict")
        continue
      }
    }
  }
}

/// A port of 127.0.0.1 that nobody listens on.
private func freePort() throws -> Int {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let port: Int? = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
      guard bind(descriptor, generic, length) == 0, getsockname(descriptor, generic, &length) == 0 else { return nil }
      return Int(UInt16(bigEndian: pointer.pointee.sin_port))
    }
  }
  return try #require(port)
}
