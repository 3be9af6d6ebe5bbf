public import NIOCore

/// What an API server answered: status, headers and a body that may still be arriving.
public struct KubernetesResponse: Sendable {
  /// The HTTP status code.
  public var status: Int
  /// The headers in the order of arrival.
  public var headers: [(name: String, value: String)]
  /// The body.
  public var body: ResponseBody

  /// Makes a response.
  public init(status: Int, headers: [(name: String, value: String)] = [], body: ResponseBody = .init(bytes: [])) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The first value of a header, whose name is compared without regard to case.
  public func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }
}

/// A response's body in chunks as they arrive. A streamed one can be read once.
public struct ResponseBody: AsyncSequence, Sendable {
  public typealias Element = ByteBuffer
  public typealias Failure = any Error

  private let start: @Sendable () -> AsyncIterator

  /// Wraps any sequence of chunks.
  public init<S: AsyncSequence & Sendable>(_ chunks: S) where S.Element == ByteBuffer {
    start = { AsyncIterator(source: Source(chunks.makeAsyncIterator())) }
  }

  /// A body that is already here.
  public init(bytes: [UInt8]) {
    let whole = ByteBuffer(bytes: bytes)
    start = {
      let chunks = AsyncStream<ByteBuffer> { continuation in
        if whole.readableBytes > 0 { continuation.yield(whole) }
        continuation.finish()
      }
      return AsyncIterator(source: Source(chunks.makeAsyncIterator()))
    }
  }

  public func makeAsyncIterator() -> AsyncIterator { start() }

  /// The whole body.
  /// - Throws: ``KubernetesError/decoding(_:)`` when it is longer than `limit` bytes; whatever the transport throws.
  public func collect(upTo limit: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    for try await chunk in self {
      guard bytes.count + chunk.readableBytes <= limit else {
        throw KubernetesError.decoding("the answer is longer than the \(limit) bytes allowed for it; ask for less")
      }
      bytes.append(contentsOf: chunk.readableBytesView)
    }
    return bytes
  }

  /// Reads the chunks one after another; dropping it ends the transfer.
  public struct AsyncIterator: AsyncIteratorProtocol {
    private let source: AnySource

    fileprivate init(source: AnySource) { self.source = source }

    public mutating func next() async throws -> ByteBuffer? { try await source.next(isolation: nil) }

    public mutating func next(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? {
      try await source.next(isolation: actor)
    }
  }
}

/// Hides the type of the wrapped iterator. A class, because an existential iterator loses its element type.
private class AnySource {
  func next(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? { nil }
}

private final class Source<Base: AsyncIteratorProtocol>: AnySource where Base.Element == ByteBuffer {
  private var base: Base

  init(_ base: Base) { self.base = base }

  override func next(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? {
    var base = self.base
    defer { self.base = base }
    return try await base.next(isolation: actor)
  }
}
