import KubernetesModels
import NIOCore
import NIOWebSocket

/// exec or attach over the channels of v4.channel.k8s.io and v5.channel.k8s.io.
struct WebSocketCommand: Sendable {
  /// The first byte of every message.
  enum ChannelID {
    static let stdin: UInt8 = 0
    static let stdout: UInt8 = 1
    static let stderr: UInt8 = 2
    static let error: UInt8 = 3
    static let resize: UInt8 = 4
    /// v5: the second byte names a channel that the sender has closed.
    static let close: UInt8 = 255
  }

  let command: RemoteCommand
  let backend: any PodStreamBackend
  let hasCloseSignal: Bool

  func start(on channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let frames = try NIOAsyncChannel<WebSocketFrame, Never>(wrappingChannelSynchronously: channel)
      Task { await serve(frames) }
    }
  }

  private func serve(_ frames: NIOAsyncChannel<WebSocketFrame, Never>) async {
    let sender = WebSocketSender(channel: frames.channel)
    let input = BoundedPipe<StreamInput>(limit: 256 * 1024)
    await StreamSession.run(on: frames) { inbound in
      defer { input.finish() }
      for try await frame in inbound {
        switch frame.opcode {
        case .binary, .text: await receive(frame.unmaskedData, into: input)
        case .ping: try await sender.pong(frame)
        case .connectionClose: return
        default: break
        }
      }
    } work: {
      // An empty message tells waiting clients that the command's streams are open.
      let first = command.stdout ? ChannelID.stdout : command.stderr ? ChannelID.stderr : ChannelID.error
      _ = try? await sender.send(first, [])
      let status = await command.run(on: backend, stdin: AsyncStream(unfolding: { await input.next() })) { output in
        switch output {
        case .stdout(let bytes): try await sender.send(ChannelID.stdout, bytes)
        case .stderr(let bytes): try await sender.send(ChannelID.stderr, bytes)
        }
      }
      input.finish(discarding: true)
      _ = try? await sender.send(ChannelID.error, status.serialized())
      _ = try? await sender.close()
    }
  }

  private func receive(_ message: ByteBuffer, into input: BoundedPipe<StreamInput>) async {
    var message = message
    guard let id: UInt8 = message.readInteger() else { return }
    let bytes = Array(message.readableBytesView)
    switch id {
    case ChannelID.stdin where command.stdin:
      if !bytes.isEmpty { await input.push(.data(bytes), weight: bytes.count) }
    case ChannelID.resize where command.tty:
      if let size = TerminalSize.input(bytes) { await input.push(size, weight: 1) }
    case ChannelID.close where hasCloseSignal && bytes.first == ChannelID.stdin:
      await input.push(.close, weight: 1)
      input.finish()
    default: break
    }
  }
}
