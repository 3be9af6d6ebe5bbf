/// What a client sends into a running process.
public enum StreamInput: Sendable, Equatable {
  /// Bytes for standard input, never empty.
  case data([UInt8])
  /// The terminal's new size in characters; only with `tty`.
  case resize(width: UInt16, height: UInt16)
  /// Standard input is at its end; output may still go on. The stream ends after it or when the client is gone.
  case close
}

/// What a running process sends back. A `tty` process has no separate standard error.
public enum StreamOutput: Sendable, Equatable {
  case stdout([UInt8])
  case stderr([UInt8])
}

/// Why a stream to a Pod could not be opened or broke; the message reaches the user of kubectl as it is.
public struct PodStreamError: Error, Sendable, CustomStringConvertible {
  /// The machine-readable kind, as `Status.reason` has it.
  public enum Reason: String, Sendable {
    case notFound = "NotFound"
    case badRequest = "BadRequest"
    case internalError = "InternalError"
  }
  public var reason: Reason
  public var message: String

  public init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }

  public var description: String { message }
}

/// A two-way byte pipe, such as a TCP connection into a Pod's network.
///
/// Reads and writes may overlap; there is one reader and one writer at a time.
public protocol DuplexBytes: Sendable {
  /// The next bytes, waiting for them; nil when the other side has closed its direction.
  func read() async throws -> [UInt8]?
  /// Returns when the bytes are handed on, so that a slow receiver slows the sender.
  func write(_ bytes: [UInt8]) async throws
  /// Half close: no more writes, reads go on.
  func closeWrite() async throws
  /// Frees everything; a waiting `read` then ends.
  func close() async
}

/// The node's side of pods/exec, pods/attach and pods/portforward.
///
/// Each call lives as long as its stream. It is cancelled (task cancellation) when the client goes away, and must
/// then end the process it started (exec) or just let go (attach).
public protocol PodStreamBackend: Sendable {
  /// Runs a command in a container until it ends.
  ///
  /// - Parameters:
  ///   - stdin: the client's input; nil when the client attached none. Elements are pulled one by one, so not reading
  ///     them holds the client back.
  ///   - output: sends output to the client; waits while the client is slow, and throws when it is gone.
  /// - Returns: the exit code (128 + n for a process killed by signal n).
  /// - Throws: `PodStreamError` when the container is unknown, not running or the command cannot be started.
  func exec(
    namespace: String, pod: String, container: String, command: [String], tty: Bool,
    stdin: AsyncStream<StreamInput>?, output: @escaping @Sendable (StreamOutput) async throws -> Void
  ) async throws -> Int32

  /// Connects to a container's main process: its output from now on, and its input when asked for.
  ///
  /// - Returns: when the container ends (its exit code) or the node lets go (0).
  func attach(
    namespace: String, pod: String, container: String, tty: Bool,
    stdin: AsyncStream<StreamInput>?, output: @escaping @Sendable (StreamOutput) async throws -> Void
  ) async throws -> Int32

  /// Opens a TCP connection to a port inside the Pod's network namespace (`localhost` as the Pod sees it).
  ///
  /// - Throws: `PodStreamError` when the Pod has no network or nobody listens.
  func connect(namespace: String, pod: String, port: Int) async throws -> any DuplexBytes
}
