import FoundationEssentials
import KubernetesModels
import Logging
import Synchronization

/// Writes each log entry as one JSON object on one line of stdout: `time`, `level`, `logger`, `message`, and the
/// metadata beside them.
struct JSONLogHandler: LogHandler {
  /// Threads take turns, so that lines never mix.
  private static let output = Mutex<Void>(())

  let label: String
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?

  init(label: String, level: Logger.Level) {
    self.label = label
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let line = line(for: event, at: .now)
    Self.output.withLock { _ in
      FileHandleOutput.write(line)
    }
  }

  func line(for event: LogEvent, at time: MicroTime) -> [UInt8] {
    var fields = metadataProvider?.get() ?? [:]
    fields.merge(metadata) { $1 }
    fields.merge(event.metadata ?? [:]) { $1 }
    var entry = fields.mapValues(Self.json)
    if let error = event.error { entry["error"] = .string("\(error)") }
    entry["time"] = .string("\(time)")
    entry["level"] = .string(event.level.rawValue)
    entry["logger"] = .string(label)
    entry["message"] = .string("\(event.message)")
    return JSONValue.object(entry).serialized() + [UInt8(ascii: "\n")]
  }

  private static func json(_ value: Logger.MetadataValue) -> JSONValue {
    switch value {
    case .string(let text): .string(text)
    case .stringConvertible(let value): .string("\(value)")
    case .array(let values): .array(values.map(json))
    case .dictionary(let fields): .object(fields.mapValues(json))
    }
  }
}
