import Foundation
import Synchronization
import Testing

/// A program that runs for the tests and dies with them, however the test process ends: a keeper holds its pid and kills
/// it when its own standard input closes.
final class ServerProcess: Sendable {
  let pid: pid_t
  let logPath: String
  private let input: Mutex<FileHandle?>
  private let keeper: pid_t

  /// Starts a program in `folder`; its output goes to `<name>.log` there.
  init(_ name: String, _ arguments: [String], in folder: String) throws {
    logPath = "\(folder)/\(name).log"
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.currentDirectoryURL = URL(filePath: folder)
    let script = #"""
      log=$1; shift; "$@" >"$log" 2>&1 & pid=$!; echo $pid
      cat >/dev/null; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
      """#
    process.arguments = ["-c", script, "keeper", logPath] + arguments
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
    let text = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    pid = try #require(pid_t(text), "\(name): its keeper did not tell a pid")
    keeper = process.processIdentifier
    self.input = Mutex(input.fileHandleForWriting)
  }

  deinit { stop() }

  var isRunning: Bool { kill(pid, 0) == 0 }

  /// SIGKILL: nothing that it keeps is needed again.
  func stop() { input.withLock { try? $0?.close() } }

  /// The end of what it printed.
  var lastOutput: String {
    let text = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(15).joined(separator: "\n")
  }
}

/// A folder under the temporary directory that goes when the test process ends.
final class ScratchFolder: Sendable {
  let path: String
  private let input: Mutex<FileHandle>

  init() throws {
    path = NSTemporaryDirectory() + "rtx-conformance-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let cleaner = Process()
    cleaner.executableURL = URL(filePath: "/bin/sh")
    // The servers die at the same moment and may still be writing.
    cleaner.arguments = [
      "-c", #"cat >/dev/null; for i in 1 2 3 4 5; do rm -rf "$1" 2>/dev/null; sleep 1; done; rm -rf "$1""#, "cleaner",
      path,
    ]
    let input = Pipe()
    cleaner.standardInput = input
    cleaner.standardOutput = FileHandle.nullDevice
    try cleaner.run()
    self.input = Mutex(input.fileHandleForWriting)
  }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
  }

  func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)"))) }
}

/// Different ports that nobody listens on now.
func freePorts(_ count: Int) throws -> [Int] {
  var descriptors: [Int32] = []
  defer { for descriptor in descriptors { close(descriptor) } }
  return try (0..<count).map { _ in
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    descriptors.append(descriptor)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) | getsockname(descriptor, $0, &length)
      }
    }
    try #require(status == 0, "no free port")
    return Int(UInt16(bigEndian: address.sin_port))
  }
}
