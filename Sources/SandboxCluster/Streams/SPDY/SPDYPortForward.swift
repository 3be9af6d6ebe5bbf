import Logging
import NIOCore

/// Port forwarding over SPDY: for each local connection a pair of streams, data and error, with the same request id.
struct SPDYPortForward: Sendable {
  let backend: any PodStreamBackend
  let namespace: String
  let pod: String
  let logger: Logger

  func start(on channel: any Channel, tunnelled: Bool) -> EventLoopFuture<Void> {
    SPDYSession.start(on: channel, tunnelled: tunnelled, logger: logger) { await serve($0) }
  }

  private func serve(_ connection: SPDYConnection) async {
    await withDiscardingTaskGroup { group in
      var waiting: [String: (data: SPDYStream?, error: SPDYStream?)] = [:]
      for await stream in connection.accepted {
        let request = stream.headers["requestid"] ?? String(stream.id)
        var pair = waiting[request] ?? (nil, nil)
        switch stream.headers["streamtype"] {
        case "data"?: pair.data = stream
        case "error"?: pair.error = stream
        default:
          await stream.close()
          continue
        }
        guard let data = pair.data, let error = pair.error else {
          waiting[request] = pair
          continue
        }
        waiting[request] = nil
        group.addTask { await forward(data, error) }
      }
      group.cancelAll()
    }
  }

  private func forward(_ data: SPDYStream, _ error: SPDYStream) async {
    let text = data.headers["port"] ?? ""
    do {
      guard let port = Int(text), (1...65_535).contains(port) else {
        throw PodStreamError(.badRequest, "unable to parse \"\(text)\" as a port")
      }
      let target = try await backend.connect(namespace: namespace, pod: pod, port: port)
      await PortRelay.run(target) {
        guard let bytes = await data.read() else {
          // A reset, unlike a half close, says that nobody waits for the answer.
          if await data.isReset { throw CancellationError() }
          return nil
        }
        return bytes
      } write: {
        try await data.write($0)
      }
    } catch let failure {
      let message = "error forwarding port \(text) to pod \(pod): \(failure)"
      _ = try? await error.write(Array(message.utf8))
    }
    await data.close()
    // kubectl waits for the error stream's end before it lets go of a connection.
    await error.close()
  }
}
