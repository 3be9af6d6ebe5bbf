public import NIOCore

/// A two-way connection of messages, as exec, attach and port-forward need it: to an API server that is a WebSocket
/// (RFC 6455), in tests whatever they like.
///
/// Receiving is pulled: as long as nobody receives, the server is held back once a small buffer is full.
public struct MessageConnection: Sendable {
  /// The one of the offered subprotocols that the server took.
  public let subprotocol: String

  private let receiveMessage: @Sendable () async throws -> ByteBuffer?
  private let sendMessage: @Sendable (ByteBuffer) async throws -> Void
  private let end: @Sendable () -> Void

  /// Makes a connection of its three deeds.
  /// - Parameters:
  ///   - receive: the next message; `nil` once the other side has closed in good order.
  ///   - send: sends a message and returns once it is handed on.
  ///   - close: ends the connection; may be called more than once.
  public init(
    subprotocol: String, receive: @escaping @Sendable () async throws -> ByteBuffer?,
    send: @escaping @Sendable (ByteBuffer) async throws -> Void, close: @escaping @Sendable () -> Void
  ) {
    self.subprotocol = subprotocol
    receiveMessage = receive
    sendMessage = send
    end = close
  }

  /// The next message, waiting for it; `nil` at the end. Several callers get one message each.
  /// - Throws: ``KubernetesError/transport(_:)`` when the connection breaks; `CancellationError`.
  public func receive() async throws -> ByteBuffer? { try await receiveMessage() }

  /// Sends a message and returns once it is with the operating system, so that a slow server slows the sender.
  /// - Throws: ``KubernetesError/transport(_:)`` when the connection is closed.
  public func send(_ message: ByteBuffer) async throws { try await sendMessage(message) }

  /// Says goodbye and closes. What is still waiting in `receive` ends.
  public func close() { end() }
}
