public import NIOCore
import Synchronization

/// How a command in a container ended.
public struct ProcessExit: Sendable, Hashable {
  /// The exit code; 0 is success, 128 + n usually a signal n.
  public var code: Int

  /// Makes a status.
  public init(code: Int) { self.code = code }

  /// Whether the command succeeded.
  public var isSuccess: Bool { code == 0 }
}

/// What a command in a container prints.
public enum RemoteOutput: Sendable, Hashable {
  /// Standard output; with a terminal also what would be standard error.
  case standardOutput(ByteBuffer)
  /// Standard error.
  case standardError(ByteBuffer)
}

/// The size of a terminal in characters.
public struct TerminalSize: Sendable, Hashable {
  /// Columns.
  public var width: UInt16
  /// Rows.
  public var height: UInt16

  /// Makes a size.
  public init(width: UInt16, height: UInt16) {
    self.width = width
    self.height = height
  }
}

/// A command that runs in a container, or a container's main process: its output as it comes, its input, its end.
///
/// Standard output and error come as one sequence, because they come over one connection: nobody can read one and leave
/// the other waiting. Not reading holds the command back. Dropping the process, cancelling the task that reads, or
/// ``close()`` closes the connection; the runtime then usually ends a command with the next thing that it prints.
public final class RemoteProcess: Sendable {
  private struct State {
    var exit: Result<ProcessExit, any Error>?
    var isInputClosed = false
  }

  /// How long the server may take to close, once it has told the result.
  private static let lingering: Duration = .seconds(5)

  private let connection: MessageConnection
  private let what: String
  private let state = Mutex(State())

  init(connection: MessageConnection, what: String) {
    self.connection = connection
    self.what = what
  }

  /// What it prints, as it comes. It can be read by one task, or by several that share it.
  ///
  /// Ends with the process; throws ``KubernetesError`` when the connection breaks before.
  public var output: RemoteOutputSequence { RemoteOutputSequence(process: self) }

  /// Whether ``closeInput()`` works: only over `v5.channel.k8s.io`, that is with API servers from 1.30 on.
  public var canCloseInput: Bool { connection.subprotocol == ChannelMessage.v5 }

  /// Writes to its standard input, and returns when everything is handed on: a command that does not read holds it up.
  /// - Throws: ``KubernetesError``; `CancellationError`.
  public func write(_ bytes: some Collection<UInt8> & Sendable) async throws {
    guard !state.withLock({ $0.isInputClosed }) else {
      throw KubernetesError.invalidRequest("\(what): the input was closed before; write first, then close")
    }
    var rest = bytes[...]
    while !rest.isEmpty {
      try Task.checkCancellation()
      let piece = rest.prefix(ChannelMessage.chunkSize)
      try await connection.send(ChannelMessage.standardInput(piece))
      rest = rest.dropFirst(piece.count)
    }
  }

  /// Tells the command that its input is at its end, as `cat` and its like wait for.
  /// - Throws: ``KubernetesError/invalidRequest(_:)`` where the server cannot (see ``canCloseInput``).
  public func closeInput() async throws {
    guard canCloseInput else {
      throw KubernetesError.invalidRequest(
        "\(what): a server that speaks only \(connection.subprotocol) cannot close a command's input; use a command that "
          + "knows how much to read, such as head -c")
    }
    let isFirst = state.withLock { state in
      defer { state.isInputClosed = true }
      return !state.isInputClosed
    }
    if isFirst { try await connection.send(ChannelMessage.closeStandardInput) }
  }

  /// Tells the terminal's new size; without a terminal it means nothing.
  /// - Throws: ``KubernetesError``.
  public func resize(to size: TerminalSize) async throws {
    try await connection.send(ChannelMessage.resize(size))
  }

  /// Reads what is left of the output, away from anybody else, and gives the end.
  /// - Throws: ``KubernetesError/api(_:)`` when the command could not be started; ``KubernetesError/transport(_:)`` when
  ///   the connection broke, so that nobody knows how it ended; `CancellationError`.
  public func waitUntilExit() async throws -> ProcessExit {
    while try await next() != nil {}
    guard let exit = state.withLock({ $0.exit }) else { throw Self.broken(what) }
    return try exit.get()
  }

  /// Closes the connection.
  public func close() { connection.close() }

  /// The next piece of output; `nil` at the end.
  func next() async throws -> RemoteOutput? {
    while true {
      let isOver = state.withLock { $0.exit != nil }
      guard let message = try await isOver ? lastMessage() : connection.receive() else {
        guard state.withLock({ $0.exit != nil }) else {
          try Task.checkCancellation()
          throw Self.broken(what)
        }
        return nil
      }
      switch ChannelMessage(message) {
      // Servers open a channel with an empty message.
      case .standardOutput(let data) where data.readableBytes > 0: return .standardOutput(data)
      case .standardError(let data) where data.readableBytes > 0: return .standardError(data)
      case .result(let data) where data.readableBytes > 0:
        let exit = Result { try ProcessExit(data) }
        state.withLock { if $0.exit == nil { $0.exit = exit } }
      default: break
      }
    }
  }

  /// The result is known: what follows is output that was overtaken, then the goodbye. Neither may fail any more.
  private func lastMessage() async throws -> ByteBuffer? {
    let (connection, what) = (connection, what)
    do {
      return try await withTimeout(Self.lingering, or: .timeout(what)) { try await connection.receive() }
    } catch is KubernetesError {
      connection.close()
      return nil
    }
  }

  private static func broken(_ what: String) -> KubernetesError {
    .transport(
      TransportFailure(
        kind: .closed, server: what, message: "it ended before the command's result came; the command may still run"))
  }
}

/// The output of a ``RemoteProcess``.
public struct RemoteOutputSequence: AsyncSequence, Sendable {
  public typealias Element = RemoteOutput
  public typealias Failure = any Error

  let process: RemoteProcess

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(process: process) }

  /// Reads the output; keeps the process's connection open as long as it lives.
  public struct AsyncIterator: AsyncIteratorProtocol {
    fileprivate let process: RemoteProcess

    public mutating func next() async throws -> RemoteOutput? { try await process.next() }
  }
}
