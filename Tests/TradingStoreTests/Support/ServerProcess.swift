import Foundation
import Synchronization
import Testing

/// A server program that runs for the tests and dies with them: it is killed when the test process ends, however
/// that comes about, because its keeper notices that its standard input is closed.
final class ServerProcess: Sendable {
  private struct State: Sendable {
    var pid: pid_t = 0
    var input: FileHandle?
  }
  private let arguments: [String]
  private let state = Mutex(State())

  init(_ arguments: [String]) { self.arguments = arguments }

  deinit { kill() }

  /// 0 while it does not run.
  var pid: pid_t { state.withLock { $0.pid } }

  func start() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      [
        "-c", #""$@" >/dev/null 2>&1 & pid=$!; echo $pid; cat >/dev/null; kill -9 $pid 2>/dev/null; wait $pid"#,
        "keeper",
      ]
      + arguments
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var line = Data()
    while !line.contains(UInt8(ascii: "\n")) {
      let part = output.fileHandleForReading.availableData
      if part.isEmpty { break }
      line += part
    }
    let pid = pid_t(String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    try #require(pid != nil, "the keeper did not tell a pid")
    state.withLock { $0 = State(pid: pid ?? 0, input: input.fileHandleForWriting) }
  }

  /// SIGKILL to the server itself.
  func kill() {
    let (pid, input) = state.withLock { state in
      defer { state = State() }
      return (state.pid, state.input)
    }
    if pid > 0 { Foundation.kill(pid, SIGKILL) }
    try? input?.close()
  }
}

/// The words before a command that run it as an ordinary user, since PostgreSQL refuses to run as root.
let asOrdinaryUser =
  getuid() == 0 ? ["/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] : []

/// Keeps the cleaners of `makeDirectory` waiting until the test process ends.
private let cleaners = Mutex<[FileHandle]>([])

/// A directory of the ordinary user's own, under the temporary directory. It is removed when the test process ends.
func makeDirectory() throws -> String {
  let path = "/tmp/rtx-tests-\(UUID().uuidString.prefix(8))"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  if getuid() == 0, let user = getpwnam("nobody") { chown(path, user.pointee.pw_uid, user.pointee.pw_gid) }
  let cleaner = Process()
  cleaner.executableURL = URL(fileURLWithPath: "/bin/sh")
  cleaner.arguments = [
    "-c", #"cat >/dev/null; for i in 1 2 3 4 5; do rm -rf "$1" 2>/dev/null && exit; sleep 1; done"#, "cleaner", path,
  ]
  let input = Pipe()
  cleaner.standardInput = input
  try cleaner.run()
  cleaners.withLock { $0.append(input.fileHandleForWriting) }
  return path
}

/// Ports that were given out, so that no two tests share one.
private let usedPorts = Mutex<Set<Int>>([])

/// A port that nobody listens on. It lies below the range from which the system takes the ports of outgoing
/// connections: one of those could otherwise sit on the port while a server is down.
func freePort() throws -> Int {
  for _ in 0..<1_000 {
    let port = Int.random(in: 10_000..<30_000)
    guard usedPorts.withLock({ $0.insert(port).inserted }) else { continue }
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if status == 0 { return port }
  }
  throw CancellationError()
}

/// Waits until `condition` holds, and fails the test when it does not within `limit`.
func eventually(
  _ what: String, within limit: Duration = .seconds(15), sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if (try? await condition()) == true { return }
    try await Task.sleep(for: .milliseconds(20))
  }
  Issue.record("not within \(limit): \(what)", sourceLocation: sourceLocation)
  throw CancellationError()
}
