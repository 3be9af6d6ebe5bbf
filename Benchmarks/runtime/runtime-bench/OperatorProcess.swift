import Foundation

/// The operator that is measured, by what the kernel says of its process.
final class OperatorProcess: Sendable {
  private let process: Process

  init(_ command: [String]) throws {
    process = Process()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.standardOutput = FileHandle.standardError
    try process.run()
  }

  /// A course that is not finished leaves nothing behind.
  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  var isRunning: Bool { process.isRunning }

  /// VmRSS, in MiB.
  var residentMiB: Double {
    get throws {
      let status = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
      let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
      guard let kib = line.split(whereSeparator: { !$0.isNumber }).first.flatMap({ Double($0) }) else {
        throw BenchFailure("the operator has ended")
      }
      return kib / 1024
    }
  }

  /// User and system time since it started.
  var cpuSeconds: Double {
    get throws {
      let stat = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
      let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
      guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
        throw BenchFailure("the operator has ended")
      }
      return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
  }

  /// SIGTERM, then the end; SIGKILL after half a minute.
  func stop() async throws {
    process.terminate()
    let deadline = ContinuousClock.now + .seconds(30)
    while process.isRunning, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(100)) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
  }
}
