import KubernetesModels
import NIOCore

/// A message of the remote command protocols `v4.channel.k8s.io` and `v5.channel.k8s.io`: its first byte names a channel,
/// the rest is the channel's data. v5 adds the signal that closes one.
enum ChannelMessage: Equatable {
  case standardOutput(ByteBuffer)
  case standardError(ByteBuffer)
  /// The result of the command, once, at its end.
  case result(ByteBuffer)
  /// The server has closed a channel.
  case closed(channel: UInt8)
  /// A channel that means nothing to a client.
  case other(channel: UInt8)

  static let v5 = "v5.channel.k8s.io"
  static let v4 = "v4.channel.k8s.io"
  /// The longest piece of standard input in one message.
  static let chunkSize = 32 << 10

  /// Nil for a message without a channel.
  init?(_ message: ByteBuffer) {
    var data = message
    guard let channel: UInt8 = data.readInteger() else { return nil }
    switch channel {
    case 1: self = .standardOutput(data)
    case 2: self = .standardError(data)
    case 3: self = .result(data)
    case 255: self = .closed(channel: data.readInteger() ?? 255)
    default: self = .other(channel: channel)
    }
  }

  static func standardInput(_ bytes: some Collection<UInt8>) -> ByteBuffer { message(0, bytes) }

  static let closeStandardInput = ByteBuffer(bytes: [255, 0])

  static func resize(_ size: TerminalSize) -> ByteBuffer {
    message(
      4, JSONValue.object(["Width": .integer(Int64(size.width)), "Height": .integer(Int64(size.height))]).serialized())
  }

  private static func message(_ channel: UInt8, _ bytes: some Collection<UInt8>) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(bytes.count + 1)
    buffer.writeInteger(channel)
    buffer.writeBytes(bytes)
    return buffer
  }
}

extension ProcessExit {
  /// Reads the `Status` of the error channel.
  /// - Throws: ``KubernetesError/api(_:)`` when the command could not be started or its end is not known;
  ///   ``KubernetesError/decoding(_:)``.
  init(_ result: ByteBuffer) throws {
    guard let object = try? JSONValue(parsing: Array(result.readableBytesView)), object.objectValue != nil else {
      throw KubernetesError.decoding("the command's result is not a Status; did the connection break?")
    }
    if object["status"]?.stringValue == "Success" {
      self.init(code: 0)
      return
    }
    let causes = object.value(at: ["details", "causes"])?.arrayValue ?? []
    let code = causes.first { $0["reason"]?.stringValue == "ExitCode" }?["message"]?.stringValue
    guard object["reason"]?.stringValue == "NonZeroExitCode", let code = code.flatMap({ Int($0) }) else {
      throw KubernetesError(statusObject: object, code: 500)
    }
    self.init(code: code)
  }
}
