import ArgumentParser
import Foundation
import KubernetesClient
import KubernetesModels
import Widgets

/// Puts one operator through the whole course against one API server, and prints `name value` lines.
@main
struct Drive: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runtime-bench", abstract: "Starts an operator of widgets and measures it, by KUBECONFIG.")

  @Option(help: "Custom resources, each with six owned objects.")
  var widgets = 1000

  @Option(help: "Objects of others with 4 KiB each, half Secrets, half ConfigMaps.")
  var foreign = 10_000

  @Option(help: "Changes a second for the latency.")
  var rate = 500

  @Option(help: "Seconds of changes at that rate.")
  var rateSeconds = 10

  @Option(help: "Seconds of steady state in which writes are counted; 0 leaves it out.")
  var steadySeconds = 300

  @Flag(help: "Measures the convergence and nothing else.")
  var onlyConverge = false

  @Option(help: "The file into which the operator writes its latencies when it stops.")
  var latencies: String

  @Argument(parsing: .postTerminator, help: "The operator's command line.")
  var command: [String]

  func run() async throws {
    let client = try KubernetesClient(configuration: .inferred())
    let cluster = BenchCluster(client: client)
    say("preparing the API server")
    try await cluster.prepare()

    if !onlyConverge {
      say("an operator with nothing to do")
      let idle = try OperatorProcess(command)
      try await Task.sleep(for: .seconds(8))
      report("idle_rss_mib", try idle.residentMiB)
      try await idle.stop()
    }

    say("creating \(widgets) widgets")
    try await cluster.createWidgets(widgets)
    let before = try await cluster.requests()
    let started = ContinuousClock.now
    let process = try OperatorProcess(command)
    let converged = try await cluster.waitUntilConverged(widgets) { ready in
      say("\(ready) of \(widgets) widgets are converged")
      guard process.isRunning else { throw BenchFailure("the operator ended while converging") }
    }
    report("converge_s", (converged - started).seconds)
    try await cluster.verifyObjects(widgets)
    report("requests", try await cluster.requests().total - before.total)
    report("converged_rss_mib", try process.residentMiB)
    if onlyConverge { return try await process.stop() }

    say("30 s of idleness")
    try await Task.sleep(for: .seconds(5))
    let cpu = try process.cpuSeconds
    try await Task.sleep(for: .seconds(30))
    report("idle_cpu_percent", (try process.cpuSeconds - cpu) / 30 * 100)

    say("creating \(foreign) objects of others")
    let small = try process.residentMiB
    try await cluster.createForeign(foreign)
    try await Task.sleep(for: .seconds(5))
    report("foreign_growth_mib", try process.residentMiB - small)

    say("\(rate) changes a second for \(rateSeconds) s")
    report("achieved_rate", try await cluster.change(widgets, rate: rate, seconds: rateSeconds))
    _ = try await cluster.waitUntilConverged(widgets) { _ in }
    try await Task.sleep(for: .seconds(10))

    if steadySeconds > 0 {
      say("\(steadySeconds) s of steady state")
      let quiet = try await cluster.requests()
      try await Task.sleep(for: .seconds(steadySeconds))
      report("steady_writes", try await cluster.requests().writes - quiet.writes)
    }
    try await process.stop()

    let values = try String(contentsOfFile: latencies, encoding: .utf8).split(separator: "\n").compactMap { Double($0) }
      .sorted()
    guard !values.isEmpty else { throw BenchFailure("\(latencies) holds no latency") }
    report("latency_samples", Double(values.count))
    report("event_p50_ms", values[values.count / 2] / 1000)
    report("event_p99_ms", values[min(values.count - 1, values.count * 99 / 100)] / 1000)
    try await client.shutdown()
  }

  private func report(_ name: String, _ value: Double) {
    print("\(name) \((value * 1000).rounded() / 1000)")
    fflush(nil)
  }

  private func say(_ text: String) { FileHandle.standardError.write(Data("  \(text)\n".utf8)) }
}

struct BenchFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
