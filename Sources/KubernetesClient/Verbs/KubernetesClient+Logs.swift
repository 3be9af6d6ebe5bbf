import KubernetesModels
import NIOCore

/// Which part of a container's log is wanted.
public struct LogOptions: Sendable, Hashable {
  /// The container; needed when the pod has more than one.
  public var container: String?
  /// Stay and report new lines until the container ends.
  public var follow: Bool
  /// Only the last so many lines.
  public var tailLines: Int?
  /// Only the last so many seconds.
  public var sinceSeconds: Int?
  /// Only lines since this time, RFC 3339.
  public var sinceTime: String?
  /// The log of the container's previous run.
  public var previous: Bool
  /// Put an RFC 3339 time in front of each line.
  public var timestamps: Bool

  /// Makes options; by default the whole log of the only container.
  public init(
    container: String? = nil, follow: Bool = false, tailLines: Int? = nil, sinceSeconds: Int? = nil,
    sinceTime: String? = nil, previous: Bool = false, timestamps: Bool = false
  ) {
    self.container = container
    self.follow = follow
    self.tailLines = tailLines
    self.sinceSeconds = sinceSeconds
    self.sinceTime = sinceTime
    self.previous = previous
    self.timestamps = timestamps
  }

  var query: [(name: String, value: String)] {
    queryItems([
      ("container", container), ("follow", follow ? "true" : nil), ("tailLines", tailLines.map { String($0) }),
      ("sinceSeconds", sinceSeconds.map { String($0) }), ("sinceTime", sinceTime),
      ("previous", previous ? "true" : nil), ("timestamps", timestamps ? "true" : nil),
    ])
  }
}

extension KubernetesClient {
  /// The log of a pod's container, line by line. The request is sent when iteration starts.
  public func logs(pod name: String, in namespace: String, options: LogOptions = .init()) -> LogLines {
    LogLines(client: self, pod: name, namespace: namespace, options: options)
  }
}

/// A container's log as lines, without their newlines. Cancelling the task, or leaving the loop, ends the transfer.
///
/// Iterating throws ``KubernetesError``, e.g. for a pod that is not there or a container that has not started yet.
public struct LogLines: AsyncSequence, Sendable {
  public typealias Element = String
  public typealias Failure = any Error

  let client: KubernetesClient
  let pod: String
  let namespace: String
  let options: LogOptions

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(lines: self) }

  /// Opens the log and reads its lines.
  public struct AsyncIterator: AsyncIteratorProtocol {
    private let lines: LogLines
    private var reader: ChunkReader?
    // Container runtimes cut lines at 16 KiB, but the kubelet joins the parts again.
    private var frames = LineFrames(limit: 64 << 20)
    private var ended = false

    fileprivate init(lines: LogLines) { self.lines = lines }

    public mutating func next() async throws -> String? {
      guard !ended else { return nil }
      let reader: ChunkReader
      if let open = self.reader {
        reader = open
      } else {
        reader = try await lines.open()
        self.reader = reader
      }
      while true {
        if let line = try frames.next() { return String(decoding: line, as: UTF8.self) }
        guard let chunk = try await reader.next() else {
          ended = true
          self.reader = nil
          try Task.checkCancellation()
          return frames.remainder().map { String(decoding: $0, as: UTF8.self) }
        }
        frames.append(chunk)
      }
    }
  }

  /// There is no time-out on the head: a followed log without output has none until its first line.
  private func open() async throws -> ChunkReader {
    let path = try ResourcePath.object(.pods, name: pod, namespace: namespace, subresource: "log")
    var request = client.request(.get, path, query: options.query)
    request.headers = [(name: "Accept", value: "*/*")]
    request.timeout = nil
    let response = try await client.accepted(request)
    return ChunkReader(
      response.body, idleTimeout: options.follow ? nil : client.requestTimeout, what: "log of \(namespace)/\(pod)")
  }
}
