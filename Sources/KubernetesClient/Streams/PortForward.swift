import KubernetesModels
public import NIOCore

/// A connection to a TCP port inside a pod, through the API server.
///
/// Bytes go both ways at their own pace; not receiving holds the pod's side back. The connection ends when the pod's
/// side closes, with ``close()``, or when nobody holds it any more. One direction alone cannot be closed: the protocol
/// has no sign for it.
public struct PodConnection: Sendable {
  private let connection: MessageConnection
  private let what: String
  private let opening: Opening

  /// The first message of each of the two channels carries the port's number and no data.
  private actor Opening {
    private var announced: Set<UInt8> = []
    func isAnnouncement(on channel: UInt8) -> Bool { announced.insert(channel).inserted }
  }

  init(connection: MessageConnection, what: String) {
    self.connection = connection
    self.what = what
    opening = Opening()
  }

  /// The next bytes from the pod; `nil` when its side has closed.
  /// - Throws: ``KubernetesError/transport(_:)`` when nobody listens on the port or the connection breaks.
  public func receive() async throws -> ByteBuffer? {
    while var message = try await connection.receive() {
      guard let channel: UInt8 = message.readInteger(), channel < 2 else { continue }
      if await opening.isAnnouncement(on: channel) { continue }
      if channel == 1 {
        throw KubernetesError.transport(
          TransportFailure(
            kind: .refused, server: what, message: message.readString(length: message.readableBytes) ?? ""))
      }
      if message.readableBytes > 0 { return message }
    }
    return nil
  }

  /// Sends bytes to the pod and returns when they are handed on.
  /// - Throws: ``KubernetesError/transport(_:)``.
  public func send(_ bytes: ByteBuffer) async throws {
    var rest = bytes
    while let piece = rest.readSlice(length: min(rest.readableBytes, ChannelMessage.chunkSize)), piece.readableBytes > 0
    {
      var message = ByteBuffer()
      message.reserveCapacity(piece.readableBytes + 1)
      message.writeInteger(UInt8(0))
      message.writeImmutableBuffer(piece)
      try await connection.send(message)
    }
  }

  /// Ends the connection.
  public func close() { connection.close() }
}

extension KubernetesClient {
  /// Connects to a TCP port of a pod, as `localhost` inside the pod sees it. The right to `create` (with older servers:
  /// `get`) `pods/portforward` is needed.
  ///
  /// It speaks `v4.channel.k8s.io`, which every kubelet understands and API servers pass on; the tunnel of SPDY inside
  /// a WebSocket (KEP-4006), which kubectl prefers, gives nothing more to a connection of its own.
  /// - Throws: ``KubernetesError``; that nobody listens on the port is told by ``PodConnection/receive()``.
  public func connect(toPort port: Int, pod name: String, in namespace: String) async throws -> PodConnection {
    guard (1...65_535).contains(port) else {
      throw KubernetesError.invalidRequest("port-forward to \(namespace)/\(name): \(port) is no port; use 1 to 65535")
    }
    let path = try ResourcePath.object(.pods, name: name, namespace: namespace, subresource: "portforward")
    let connection = try await connected(
      request(.get, path, query: [(name: "ports", value: String(port))]), subprotocols: [ChannelMessage.v4])
    return PodConnection(connection: connection, what: "port \(port) of \(namespace)/\(name)")
  }
}
