import Foundation
import RTXPlatformAPI
import Testing

@testable import PlatformOperator

/// A real Prometheus server that scrapes nothing.
private final class PrometheusServer {
  static let program = "/usr/bin/prometheus"
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

  let address: String
  private let process: ServerProcess

  init() async throws {
    let folder = try makeDirectory()
    try "scrape_configs: []\n".write(toFile: folder + "/prometheus.yml", atomically: true, encoding: .utf8)
    let port = try freePort()
    address = "http://127.0.0.1:\(port)"
    process = ServerProcess(
      asOrdinaryUser + [
        Self.program, "--config.file=\(folder)/prometheus.yml", "--storage.tsdb.path=\(folder)/data",
        "--web.listen-address=127.0.0.1:\(port)",
      ])
    try process.start()
    let ready = address + "/-/ready"
    try await eventually("Prometheus is ready") {
      (try? await PodNetworkAccess().send("GET", ready, timeout: .seconds(1)))?.status == 200
    }
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
