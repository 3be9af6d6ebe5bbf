import FoundationEssentials
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Runs the machine's own programs.
enum Command {
  /// A program that is missing or did not end with 0.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// What a program wrote and how it ended.
  struct Outcome: Sendable {
    /// 128 + n after signal n.
    var exitCode: Int32
    var output: String
    var errors: String
  }

  /// Where a program is; also looks where system tools are when the PATH of the caller leaves these folders out.
  static func locate(_ program: String) -> String? {
    if program.contains("/") { return FileManager.default.isExecutableFile(atPath: program) ? program : nil }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = path.split(separator: ":").map { String($0) } + ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    return folders.lazy.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs a program to its end and returns what it wrote, whatever its exit code.
  /// - Throws: ``Failure`` when it is not there or cannot be started.
  static func outcome(
    _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) async throws -> Outcome {
    guard let path = locate(program) else {
      throw Failure(description: "the program \(program) is missing; install it (see the README's list of packages)")
    }
    var additions: [Environment.Key: String?] = [:]
    for (name, value) in environment { additions[Environment.Key(stringLiteral: name)] = value }
    do {
      let result = try await Subprocess.run(
        .path(FilePath(path)), arguments: Arguments(arguments), environment: .inherit.updating(additions),
        input: .string(input), output: .string(limit: 16 << 20), error: .string(limit: 1 << 20))
      let code: Int32 =
        switch result.terminationStatus {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
      return Outcome(exitCode: code, output: result.standardOutput, errors: result.standardError)
    } catch let error as SubprocessError {
      throw Failure(description: "\(program) could not be run: \(error)")
    }
  }

  /// Runs a program and returns its output.
  /// - Throws: ``Failure`` with what it wrote to standard error when it does not end with 0.
  @discardableResult
  static func run(
    _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) async throws -> String {
    let outcome = try await outcome(program, arguments, input: input, environment: environment)
    guard outcome.exitCode == 0 else {
      let text = outcome.errors.isEmpty ? outcome.output : outcome.errors
      let shown = ([program] + arguments.prefix(6)).joined(separator: " ")
      throw Failure(description: "\(shown) ended with \(outcome.exitCode): \(text.prefix(2000))")
    }
    return outcome.output
  }
}
