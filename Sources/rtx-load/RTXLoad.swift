import ArgumentParser
import FoundationEssentials
import Glibc
import TradingLoad

@main
struct RTXLoad: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rtx-load",
    abstract: "Put load on trading servers, and prove that no order was lost or doubled.",
    discussion: """
      Orders start at fixed moments, whether or not earlier ones were answered, and their latency counts from that moment: \
      a server that stalls for a second shows it. An order without an answer (5xx, lost connection) is sent again with the \
      same client order id to the next server until it is answered. At the end the ledger is read: every acknowledged order \
      must be in it exactly once, with the bytes that were answered.

      Is production well? Ten seconds, gently, on the demo account:
        rtx-load --rate 10 --duration 10 http://trading.example.com
      Two replicas under 500 orders/s for a minute, while somebody pulls a plug:
        rtx-load --rate 500 --duration 60 127.0.0.1:7999 127.0.0.1:8999
      A trading day's mixture of requests with 10,000 WebSocket clients:
        rtx-load --rate 800 --mix mixed --websockets 10000 127.0.0.1:7999

      How to read the end: SOUND is good. BROKEN names client order ids that were lost, doubled or answered in two ways: \
      keep the output, and look the ids up with GET /api/orders/ID and in the servers' logs. UNRESOLVED means that some \
      orders have no answer yet: bring the servers back and run the same command again with the --prefix that the report \
      names; the ids are the same then, and so must be the answers.

      Exit codes: 0 sound, 1 broken, 2 unresolved, 64 wrong command line, 69 no server answered, 77 not let in.
      """)

  @Argument(help: "Servers: http://host:port, https://host or host:port.")
  var targets: [String] = ["127.0.0.1:7999"]
  @OptionGroup(title: "Load") var load: LoadArguments
  @OptionGroup(title: "Orders and accounts") var orders: OrderArguments
  @Flag(help: "Print the report as one JSON object instead of a table.")
  var json = false
  @Option(help: "Say every so many seconds on standard error how far it is; 0 for never.")
  var progress = 0.0

  func run() async throws {
    let options = try options()
    // Ends early on the first Ctrl-C, still with its accounting; at once on the second.
    let task = Task {
      try await LoadRun(options) { Self.complain($0.description) }.run()
    }
    let signals = Interrupts { task.cancel() }
    defer { signals.stop() }
    let report: LoadReport
    do {
      report = try await task.value
    } catch let error as LoadError {
      Self.complain("rtx-load: \(error)")
      throw Self.exitCode(of: error)
    }
    print(json ? try encoded(report) : report.table)
    switch report.verdict {
    case .sound: break
    case .broken: throw ExitCode(1)
    case .unresolved: throw ExitCode(2)
    }
  }

  private func options() throws -> LoadOptions {
    let servers = try targets.map { text in
      guard let target = Target(text) else { throw ValidationError("\"\(text)\" is not a server's address") }
      return target
    }
    var options = try load.options(servers, prefix: orders.prefix ?? "load-\(UInt32.random(in: 0...(.max)))")
    try orders.apply(to: &options)
    options.progressInterval = progress > 0 ? .milliseconds(Int64(progress * 1_000)) : nil
    return options
  }

  private func encoded(_ report: LoadReport) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(report), as: UTF8.self)
  }

  private static func complain(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  private static func exitCode(of error: LoadError) -> ExitCode {
    switch error {
    case .unreachable: ExitCode(EX_UNAVAILABLE)
    case .refused: ExitCode(EX_NOPERM)
    case .option: ExitCode(EX_USAGE)
    }
  }
}
