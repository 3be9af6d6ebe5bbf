import ArgumentParser
import Glibc

/// Opens many WebSockets to a trading server on this machine, follows symbols on each, and measures how old prices are when
/// they arrive and what a client costs the server. Prints `key value` lines.
///
/// One thread reads all sockets in as few calls as possible: the server shares the machine, and what its clients use is
/// not there for it.
@main
struct WSBench: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ws-bench")

  @Option(help: "The server's port on 127.0.0.1.") var port: UInt16
  @Option(help: "The server's process, whose memory and processor time are measured.") var pid: Int32
  @Option(help: "Connections.") var clients = 10_000
  @Option(help: "Symbols separated by commas; all without.") var symbols: String?
  @Option(help: "How long to measure, in seconds.") var seconds = 20
  @Option(help: "How long to wait before that, in seconds.") var warmup = 5
  @Option(help: "The token that clients show, if the server wants one.") var token: String?

  func run() throws {
    raiseFileLimit()
    let server = ServerProcess(pid: pid)
    let idle = try server.residentKiB()
    var crowd = try Crowd(
      request: StreamClient.request(token: token),
      subscription: StreamClient.subscription(symbols?.split(separator: ",")))
    let clock = ContinuousClock()
    let opening = try clock.measure { try crowd.open(clients, port: port) }
    crowd.read(for: .seconds(warmup))
    crowd.recorder = Recorder()
    let (used, own) = (try server.processorSeconds(), ownProcessorSeconds())
    let elapsed = clock.measure { crowd.read(for: .seconds(seconds)) }.inSeconds
    let (usedNow, ownNow) = (try server.processorSeconds(), ownProcessorSeconds())
    let resident = try server.residentKiB()

    let recorder = crowd.recorder
    print("clients \(crowd.count)")
    print("lost \(clients - crowd.count)")
    print("open_s \(text(opening.inSeconds))")
    print("ticks_per_s \(text(Double(recorder.ticks) / elapsed))")
    print("bytes_per_tick \(recorder.bytes / max(1, recorder.ticks))")
    print("merged_ticks \(recorder.merged)")
    print("ws_delay_p50_ms \(text(recorder.delays.quantile(0.5)))")
    print("ws_delay_p99_ms \(text(recorder.delays.quantile(0.99)))")
    print("ws_delay_p999_ms \(text(recorder.delays.quantile(0.999)))")
    print("ws_delay_max_ms \(text(recorder.delays.maximum))")
    print("server_idle_kib \(idle)")
    print("server_kib \(resident)")
    print("ws_kib_per_client \(text(Double(resident - idle) / Double(max(1, crowd.count))))")
    print("server_cpu_percent \(text((usedNow - used) / elapsed * 100))")
    print("bench_cpu_percent \(text((ownNow - own) / elapsed * 100))")
  }

  private func text(_ value: Double) -> String { String((value * 10).rounded() / 10) }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
