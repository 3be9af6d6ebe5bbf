import NIOCore
import NIOWebSocket

/// Port forwarding over numbered channels, as the Python client does it: two for each port, data and error.
struct WebSocketPortForward: Sendable {
  let backend: any PodStreamBackend
  let namespace: String
  let pod: String
  let ports: [Int]

  /// The `ports` items of the query, each one port or several with commas.
  static func ports(of request: StreamRequest) throws(PodStreamError) -> [Int] {
    let texts = request.values("ports").flatMap { $0.split(separator: ",") }
    let ports = texts.compactMap { Int($0) }.filter { (1...65_535).contains($0) }
    guard !ports.isEmpty, ports.count == texts.count, ports.count <= 100 else {
      throw PodStreamError(.badRequest, "query parameter \"ports\" must name ports from 1 to 65535")
    }
    return ports
  }

  func start(on channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let frames = try NIOAsyncChannel<WebSocketFrame, Never>(wrappingChannelSynchronously: channel)
      Task { await serve(frames) }
    }
  }

  private func serve(_ frames: NIOAsyncChannel<WebSocketFrame, Never>) async {
    let sender = WebSocketSender(channel: frames.channel)
    let inputs = ports.map { _ in BoundedPipe<[UInt8]>(limit: 256 * 1024) }
    await StreamSession.run(on: frames) { inbound in
      defer { for input in inputs { input.finish() } }
      for try await frame in inbound {
        switch frame.opcode {
        case .binary, .text:
          var message = frame.unmaskedData
          guard let id: UInt8 = message.readInteger(), id % 2 == 0, Int(id) / 2 < inputs.count else { continue }
          let bytes = Array(message.readableBytesView)
          if !bytes.isEmpty { await inputs[Int(id) / 2].push(bytes, weight: bytes.count) }
        case .ping: try await sender.pong(frame)
        case .connectionClose: return
        default: break
        }
      }
    } work: {
      await withTaskGroup(of: Void.self) { group in
        for (index, port) in ports.enumerated() {
          group.addTask { await forward(port, channel: UInt8(index * 2), input: inputs[index], sender) }
        }
      }
      _ = try? await sender.close()
    }
  }

  private func forward(_ port: Int, channel id: UInt8, input: BoundedPipe<[UInt8]>, _ sender: WebSocketSender) async {
    // Both channels open with the port number, least significant byte first.
    let opening = [UInt8(port & 255), UInt8(port >> 8)]
    do {
      try await sender.send(id, opening)
      try await sender.send(id + 1, opening)
      let connection = try await backend.connect(namespace: namespace, pod: pod, port: port)
      await PortRelay.run(connection, read: { await input.next() }, write: { try await sender.send(id, $0) })
    } catch {
      _ = try? await sender.send(id + 1, Array("\(error)".utf8))
    }
    input.finish(discarding: true)
  }
}

/// Copies between a client and a port of a Pod until the Pod's side ends.
enum PortRelay {
  /// - Parameters:
  ///   - read: the client's next bytes; nil when it sends no more.
  ///   - write: hands bytes to the client.
  static func run(
    _ connection: any DuplexBytes, read: @escaping @Sendable () async throws -> [UInt8]?,
    write: @escaping @Sendable ([UInt8]) async throws -> Void
  ) async {
    await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        do {
          while let bytes = try await read() { try await connection.write(bytes) }
          try await connection.closeWrite()
          return false
        } catch {
          return true
        }
      }
      group.addTask {
        do { while let bytes = try await connection.read() { try await write(bytes) } } catch {}
        return true
      }
      // The end of the client's bytes is not the end: the answer may still be on its way.
      for await isOver in group where isOver { break }
      group.cancelAll()
      await connection.close()
    }
  }
}
