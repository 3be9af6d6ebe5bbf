import FoundationEssentials
import Logging
import Subprocess

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// podman's REST service as a process of the sandbox, on a socket in its data folder.
struct PodmanService: Sendable {
  let folder: String
  let environment: PodmanEnvironment

  var socketPath: String { "\(folder)/podman.sock" }
  private var configurationPath: String { Self.configurationPath(folder) }
  private var pidPath: String { "\(folder)/podman.pid" }

  private static func configurationPath(_ folder: String) -> String { "\(folder)/containers.conf" }

  /// Runs the service until the task is cancelled; calls `ready` once it answers.
  /// - Throws: `Command.Failure` when it cannot start or ends by itself.
  func run(ready: @escaping @Sendable () -> Void) async throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(environment.containersConfiguration.utf8).write(to: URL(filePath: configurationPath))
    try? FileManager.default.removeItem(atPath: socketPath)
    guard let program = Command.locate("podman") else { throw Command.Failure(description: "podman is missing") }
    var options = PlatformOptions()
    // Its own process group: a Ctrl-C for the sandbox must not stop podman before the pods are gone.
    options.processGroupID = 0
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
    let pidPath = pidPath
    let result = try await Subprocess.run(
      .path(FilePath(program)), arguments: ["system", "service", "--time=0", "unix://\(socketPath)"],
      environment: .inherit.updating(["CONTAINERS_CONF": configurationPath]), platformOptions: options,
      input: .none, output: .discarded, error: .discarded
    ) { execution in
      try Data("\(execution.processIdentifier.value)\n".utf8).write(to: URL(filePath: pidPath))
      try await waitUntilAnswering()
      ready()
    }
    throw Command.Failure(description: "podman's service ended by itself: \(result.terminationStatus)")
  }

  private func waitUntilAnswering() async throws {
    let podman = Podman(socketPath: socketPath)
    for _ in 0..<200 {
      if (try? await podman.version()) != nil { return }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Command.Failure(description: "podman's service does not answer on \(socketPath) within 10 s")
  }

  /// Ends a service that an earlier process left, and removes every container with the label.
  ///
  /// - Parameter namePrefix: what the containers' names start with, for the monitors of commands in them.
  static func removeAll(folder: String, label: String, namePrefix: String) async {
    let pidPath = "\(folder)/podman.pid"
    if let text = try? String(contentsOfFile: pidPath, encoding: .utf8),
      let pid = Int32(text.filter(\.isNumber)), commandLine(pid).contains("\(folder)/podman.sock")
    {
      _ = kill(pid, SIGTERM)
    }
    let configuration = configurationPath(folder)
    let variables = FileManager.default.fileExists(atPath: configuration) ? ["CONTAINERS_CONF": configuration] : [:]
    guard
      let listed = try? await Command.run(
        "podman", ["ps", "--all", "--quiet", "--no-trunc", "--filter", "label=\(label)"], environment: variables)
    else { return }
    for id in listed.split(separator: "\n") {
      _ = try? await Command.outcome(
        "podman", ["rm", "--force", "--time", "0", "--volumes", String(id)], environment: variables)
    }
    await endMonitors(namePrefix)
  }

  /// podman leaves a monitor (conmon) behind for a while after each command that it ran in a container.
  private static func endMonitors(_ namePrefix: String) async {
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    let monitors = processes.compactMap { Int32($0) }.filter { pid in
      let arguments = commandLine(pid).split(separator: "\0")
      guard arguments.first?.hasSuffix("conmon") == true, let index = arguments.firstIndex(of: "-n") else {
        return false
      }
      return arguments.dropFirst(index + 1).first?.hasPrefix(namePrefix) == true
    }
    for pid in monitors { _ = kill(pid, SIGKILL) }
    // Their control groups can be removed only when they are gone.
    for _ in 0..<50 where monitors.contains(where: { kill($0, 0) == 0 }) {
      try? await Task.sleep(for: .milliseconds(20))
    }
  }

  private static func commandLine(_ pid: Int32) -> String {
    let bytes = (try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline"))) ?? Data()
    return String(decoding: bytes, as: UTF8.self)
  }
}
