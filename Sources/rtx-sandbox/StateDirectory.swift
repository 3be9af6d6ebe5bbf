import FoundationEssentials
import SandboxCluster

#if canImport(Glibc)
  import Glibc
#endif

/// Where a sandbox keeps its kubeconfig, process id, log and data: one folder, which `down` removes.
struct StateDirectory {
  let path: String

  /// `$RTX_SANDBOX_HOME/NAME`, or `/var/lib/rtx-sandbox/NAME` as root, or `~/.local/state/rtx-sandbox/NAME`.
  init(name: String) {
    let environment = ProcessInfo.processInfo.environment
    let home =
      environment["RTX_SANDBOX_HOME"]
      ?? (geteuid() == 0 ? "/var/lib/rtx-sandbox" : (environment["HOME"] ?? "/tmp") + "/.local/state/rtx-sandbox")
    path = home + "/" + name
  }

  var kubeconfig: String { path + "/kubeconfig" }
  var log: String { path + "/log" }
  var data: String { path + "/data" }
  /// Exists once the cluster answers and what `up` installs is applied; holds what `status` prints.
  var ready: String { path + "/ready" }
  /// What the serving process is doing now, a line for `up` to show.
  var progress: String { path + "/progress" }
  private var pidFile: String { path + "/pid" }

  func create() throws {
    try FileManager.default.createDirectory(
      atPath: data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  func remove() throws {
    if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
  }

  func read(_ file: String) -> String? {
    FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Writes a file whole or not at all, readable by its owner only (it may hold credentials).
  func write(_ text: String, to file: String) throws {
    try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
  }

  func recordProcess() throws { try write("\(getpid())", to: pidFile) }

  /// The process that serves this sandbox, if it is alive and really ours (process ids are reused after a reboot).
  var process: Int32? {
    guard let pid = read(pidFile).flatMap({ Int32($0) }), kill(pid, 0) == 0,
      let commandLine = read("/proc/\(pid)/cmdline"), commandLine.contains("rtx-sandbox")
    else { return nil }
    return pid
  }
}

/// Waits until `condition` is true, looking every 50 ms; false when `deadline` passed first.
func wait(upTo limit: Duration, until condition: () throws -> Bool) async throws -> Bool {
  let deadline = ContinuousClock.now + limit
  while try !condition() {
    guard ContinuousClock.now < deadline else { return false }
    try await Task.sleep(for: .milliseconds(50))
  }
  return true
}
