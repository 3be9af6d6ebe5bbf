import FoundationEssentials
import KubernetesModels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A container's log file as its monitor writes it: `<time> <stdout|stderr> <F|P> <text>` lines, where P lines go on in the next one (the
/// CRI logging format).
struct ContainerLog: Sendable {
  var path: String

  /// What of a log is wanted.
  struct Selection: Sendable {
    var timestamps = false
    var tailLines: Int?
    var since: MicroTime?
    var limitBytes: Int?
  }

  /// The last lines as plain text.
  func tail(lines: Int) -> String {
    guard let data = try? Data(contentsOf: URL(filePath: path)) else { return "" }
    var formatter = Formatter(selection: Selection(tailLines: lines))
    return String(decoding: formatter.first(Array(data)), as: UTF8.self)
  }

  /// Follows a file from its start: every chunk is what came since the last one.
  struct Reader {
    private let path: String
    private var descriptor: Int32 = -1
    private var offset = 0

    init(path: String) { self.path = path }

    /// Everything from the last read to the end of the file now; empty when there is nothing new.
    mutating func next() -> [UInt8] {
      if descriptor < 0 { descriptor = open(path, O_RDONLY | O_CLOEXEC) }
      guard descriptor >= 0 else { return [] }
      var info = stat()
      // The monitor starts the file anew when it has grown too large.
      if fstat(descriptor, &info) == 0, Int(info.st_size) < offset {
        close(descriptor)
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        offset = 0
      }
      var result: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 64 << 10)
      while result.count < 4 << 20 {
        let count = pread(descriptor, &buffer, buffer.count, off_t(offset))
        guard count > 0 else { break }
        result += buffer[..<count]
        offset += count
      }
      return result
    }

    mutating func finish() {
      if descriptor >= 0 { close(descriptor) }
      descriptor = -1
    }
  }

  /// Turns log lines into what `kubectl logs` shows.
  struct Formatter: Sendable {
    private let selection: Selection
    private var rest: [UInt8] = []
    private var isInLine = false
    private var sent = 0

    init(selection: Selection) { self.selection = selection }

    /// Whether the byte limit is used up.
    var isFull: Bool { selection.limitBytes.map { sent >= $0 } ?? false }

    /// What the log holds when it is opened; only here `tailLines` counts.
    mutating func first(_ bytes: [UInt8]) -> [UInt8] {
      guard let wanted = selection.tailLines else { return next(bytes) }
      let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
      var start = lines.count
      var full = 0
      // Backwards over whole lines; the partial ones before a full one belong to it.
      while start > 0 {
        let isFull = Self.parts(lines[start - 1])?.isFull ?? true
        if isFull {
          if full == wanted { break }
          full += 1
        }
        start -= 1
      }
      if wanted == 0 { start = lines.count }
      return next(Array(lines[start...].joined(separator: [UInt8(ascii: "\n")])) + (start < lines.count ? [10] : []))
    }

    /// What came later.
    mutating func next(_ bytes: [UInt8]) -> [UInt8] {
      rest += bytes
      var output: [UInt8] = []
      var from = rest.startIndex
      while let end = rest[from...].firstIndex(of: UInt8(ascii: "\n")) {
        if let parts = Self.parts(rest[from..<end]) { append(parts, to: &output) }
        from = rest.index(after: end)
      }
      rest.removeSubrange(..<from)
      if let limit = selection.limitBytes { output = Array(output.prefix(max(0, limit - sent))) }
      sent += output.count
      return output
    }

    private func isWanted(_ time: ArraySlice<UInt8>) -> Bool {
      guard let since = selection.since else { return true }
      return MicroTime(String(decoding: time, as: UTF8.self)).map { !($0 < since) } ?? true
    }

    private mutating func append(_ parts: Parts, to output: inout [UInt8]) {
      guard isInLine || isWanted(parts.time) else { return }
      if selection.timestamps, !isInLine { output += Array(parts.time) + [UInt8(ascii: " ")] }
      output += parts.text
      if parts.isFull { output.append(UInt8(ascii: "\n")) }
      isInLine = !parts.isFull
    }

    private struct Parts {
      var time: ArraySlice<UInt8>
      var isFull: Bool
      var text: ArraySlice<UInt8>
    }

    /// Nil for a line that is no log line.
    private static func parts(_ line: ArraySlice<UInt8>) -> Parts? {
      let space = UInt8(ascii: " ")
      guard let first = line.firstIndex(of: space) else { return nil }
      guard let second = line[(first + 1)...].firstIndex(of: space), second + 1 < line.endIndex else { return nil }
      let flag = line[second + 1]
      let start = min(second + 3, line.endIndex)
      return Parts(time: line[..<first], isFull: flag != UInt8(ascii: "P"), text: line[start...])
    }
  }
}
