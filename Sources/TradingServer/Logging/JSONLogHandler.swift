import Glibc
public import Logging
import Synchronization
import TradingCore
import TradingStore

/// Writes each log entry as one JSON object on one line of stdout.
///
/// Keys: `time`, `level`, `logger`, `message`, `error`, and the metadata beside them.
public struct JSONLogHandler: LogHandler {
  /// Threads take turns, so that lines never mix.
  private static let output = Mutex<Void>(())

  public var logLevel: Logger.Level
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  private let label: String

  public init(label: String, level: Logger.Level = .info) {
    self.label = label
    logLevel = level
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    let line = line(for: event, at: .now)
    Self.output.withLock { _ in
      var bytes = Array(line.utf8)[...]
      while !bytes.isEmpty {
        let written = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if written < 0, errno == EINTR { continue }
        if written <= 0 { return }
        bytes = bytes.dropFirst(written)
      }
    }
  }

  /// The line with its newline. Metadata of the entry wins over the logger's, which wins over the provider's.
  func line(for event: LogEvent, at time: Timestamp) -> String {
    var fields = metadataProvider?.get() ?? [:]
    fields.merge(metadata) { $1 }
    fields.merge(event.metadata ?? [:]) { $1 }
    var text = "{\"time\":\"\(time)\",\"level\":\"\(event.level)\",\"logger\":"
    Self.append(label, to: &text)
    text += ",\"message\":"
    Self.append("\(event.message)", to: &text)
    if let error = event.error {
      text += ",\"error\":"
      Self.append("\(error)", to: &text)
    }
    let reserved: Set<String> = ["time", "level", "logger", "message"]
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      if key == "error", event.error != nil { continue }
      text += ","
      Self.append(reserved.contains(key) ? "_" + key : key, to: &text)
      text += ":"
      Self.append(value, to: &text)
    }
    return text + "}\n"
  }

  private static func append(_ value: Logger.MetadataValue, to text: inout String) {
    switch value {
    case .string(let string): append(string, to: &text)
    case .stringConvertible(let value): append("\(value)", to: &text)
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        append(value, to: &text)
      }
      text += "]"
    case .dictionary(let values):
      text += "{"
      for (index, entry) in values.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { text += "," }
        append(entry.key, to: &text)
        text += ":"
        append(entry.value, to: &text)
      }
      text += "}"
    }
  }

  /// A JSON string (RFC 8259, section 7).
  private static func append(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20:
        text += "\\u00" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16)
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
