import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The OCI runtime below podman, asked directly where podman's bookkeeping would cost more than the work: probes and hooks.
struct ContainerRuntime: Sendable {
  /// `/usr/sbin/runc` or the like.
  var path: String
  /// Where pid files may be written.
  var folder: String

  private var name: String { path.split(separator: "/").last.map { String($0) } ?? path }

  /// Runs a command in a container as its main process runs: same user, environment, limits.
  ///
  /// - Throws: ``Deadline/Exceeded`` after killing the command.
  func exec(_ id: String, command: [String], limit: Duration) async throws -> Command.Outcome {
    let pidFile = "\(folder)/exec-\(UUID().uuidString).pid"
    defer { try? FileManager.default.removeItem(atPath: pidFile) }
    var arguments = ["--root", "/run/\(name)", "exec", "--pid-file", pidFile]
    // A container with a terminal would ask for another one.
    if name == "runc" { arguments.append("--tty=false") }
    do {
      return try await Deadline.run(limit) { [arguments] in
        try await withTaskCancellationHandler {
          try await Command.outcome(path, arguments + [id] + command)
        } onCancel: {
          // The runtime hands no SIGKILL on: its child has to be killed by number.
          if let text = try? String(contentsOfFile: pidFile, encoding: .utf8),
            let pid = Int32(text.filter(\.isNumber)), pid > 1
          {
            _ = kill(pid, SIGKILL)
          }
        }
      }
    } catch is Deadline.Exceeded {
      throw Command.Failure(description: "command \(command.joined(separator: " ")) timed out after \(limit)")
    }
  }
}
