import Foundation
import Synchronization
import Testing

/// What a finished command printed and how it ended.
struct CommandResult: Sendable {
  var status: Int32
  var output: String
  var errors: String
  var succeeded: Bool { status == 0 }
  var everything: String { output + errors }
}

/// Runs real programs with a deadline; a program that overruns it is killed, and the result says so (status 124).
enum Shell {
  static func run(
    _ program: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
    limit: Duration = .seconds(60)
  ) async -> CommandResult {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(
          returning: runBlocking(program, arguments, input: input, environment: environment, limit: limit))
      }
    }
  }

  /// The same with `sh -c`, for pipes and redirections.
  static func sh(_ script: String, environment: [String: String] = [:], limit: Duration = .seconds(60)) async
    -> CommandResult
  {
    await run("/bin/sh", ["-c", script], environment: environment, limit: limit)
  }

  static func runBlocking(
    _ program: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
    limit: Duration = .seconds(60)
  ) -> CommandResult {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // Files, not pipes: a grandchild that keeps a pipe open would keep the reader waiting.
    let folder = FileManager.default.temporaryDirectory.appending(path: "rtx-e2e-\(UUID().uuidString)")
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func handle(_ name: String) -> FileHandle? {
      let path = folder.appending(path: name).path
      _ = FileManager.default.createFile(atPath: path, contents: nil)
      return FileHandle(forWritingAtPath: path)
    }
    process.standardOutput = handle("out")
    process.standardError = handle("err")
    if let input {
      let path = folder.appending(path: "in").path
      _ = FileManager.default.createFile(atPath: path, contents: Data(input.utf8))
      process.standardInput = FileHandle(forReadingAtPath: path)
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    do { try process.run() } catch { return CommandResult(status: 127, output: "", errors: "\(error)") }
    var status: Int32?
    let seconds = Double(limit.components.seconds) + Double(limit.components.attoseconds) / 1e18
    if ended.wait(timeout: .now() + seconds) == .timedOut {
      kill(process.processIdentifier, SIGKILL)
      ended.wait()
      status = 124
    }
    func text(_ name: String) -> String {
      FileManager.default.contents(atPath: folder.appending(path: name).path)
        .map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    return CommandResult(status: status ?? process.terminationStatus, output: text("out"), errors: text("err"))
  }
}

/// A program that goes on running beside the test (an operator, a port-forward), ended by pid when released.
final class BackgroundProcess: Sendable {
  private let process: Mutex<Process>
  let logPath: String
  let pid: Int32

  init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    logPath = FileManager.default.temporaryDirectory.appending(path: "rtx-e2e-\(UUID().uuidString).log").path
    _ = FileManager.default.createFile(atPath: logPath, contents: nil)
    process.standardOutput = FileHandle(forWritingAtPath: logPath)
    process.standardError = process.standardOutput
    process.standardInput = FileHandle.nullDevice
    try process.run()
    pid = process.processIdentifier
    self.process = Mutex(process)
  }

  var isRunning: Bool { process.withLock { $0.isRunning } }
  var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

  func signal(_ number: Int32) { kill(pid, number) }

  func kill9() {
    kill(pid, SIGKILL)
    process.withLock { $0.waitUntilExit() }
  }

  deinit {
    if isRunning { kill9() }
    try? FileManager.default.removeItem(atPath: logPath)
  }
}

/// Lets time pass: between two looks at a condition, or where the passing of time is itself what is tested.
func pause(_ duration: Duration) async {
  let nanoseconds = duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
  await withCheckedContinuation { continuation in
    DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(nanoseconds))) { continuation.resume() }
  }
}

/// Waits for a condition instead of for time: returns its value as soon as it has one, fails the test at the deadline.
@discardableResult
func eventually<T: Sendable>(
  _ what: String, within limit: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: @Sendable () async throws -> T?
) async throws -> T {
  let deadline = ContinuousClock.now + limit
  var lastError: (any Error)?
  repeat {
    do { if let value = try await condition() { return value } } catch { lastError = error }
    await pause(.milliseconds(100))
  } while ContinuousClock.now < deadline
  Issue.record(
    "not within \(limit): \(what)\(lastError.map { " (last error: \($0))" } ?? "")", sourceLocation: sourceLocation)
  throw DeadlinePassed(what: what)
}

struct DeadlinePassed: Error { var what: String }
