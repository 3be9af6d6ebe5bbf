import Foundation

/// What a program said and how it ended.
struct ProgramResult: Sendable {
  var status: Int32
  /// Standard output and standard error together.
  var output: String
}

/// Runs a program to its end, away from the few threads that all tests share: one that is held there for seconds makes
/// other tests miss their deadlines.
func runProgram(
  _ path: String, _ arguments: [String], environment: [String: String] = [:]
) async throws -> ProgramResult {
  let process = Process()
  process.executableURL = URL(filePath: path)
  process.arguments = arguments
  process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  let output = Pipe()
  process.standardOutput = output
  process.standardError = output
  try process.run()
  return await withCheckedContinuation { continuation in
    DispatchQueue.global().async {
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      continuation.resume(returning: ProgramResult(status: process.terminationStatus, output: text))
    }
  }
}
