import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOSSL

/// Talks to an API server over HTTPS with AsyncHTTPClient, HTTP/1.1 only: over HTTP/2 about a hundred streams share a
/// connection, and watches beyond that would wait for each other.
///
/// Answers without a time-out (watches, followed logs) have a connection pool of their own, so that they never hold up
/// other requests. ``shutdown()`` has to be called once at the end.
public struct HTTPTransport: KubernetesTransport {
  let address: ServerAddress
  let credentials: CredentialSource
  let proxy: ProxyAddress?
  private let userAgent: String
  private let impersonation: [(name: String, value: String)]
  private let requests: HTTPClient
  private let streams: HTTPClient
  private let relay: ProxyRelay?

  /// Connections for short requests; more wait until one is free.
  static let requestConnections = 64
  /// Connections for watches and logs: practically without a bound.
  static let streamConnections = 10_000

  /// Prepares the connections' configuration; nothing is sent.
  /// - Throws: ``KubernetesError/configuration(_:)`` when certificates, keys or addresses cannot be used.
  public init(configuration: ClusterConfiguration) throws {
    do {
      let tls = try TLSConfiguration.make(configuration)
      address = try ServerAddress(configuration)
      proxy = try ProxyAddress(configuration)
      relay = try proxy.flatMap { HTTPClient.Configuration.Proxy.make($0) == nil ? try ProxyRelay(to: $0) : nil }
      let proxy = relay?.proxy ?? proxy.flatMap { .make($0) }
      userAgent = configuration.userAgent
      impersonation = configuration.credentials.impersonation?.headers ?? []
      credentials = CredentialSource(configuration, tls: tls)
      requests = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: .make(configuration, tls: tls, proxy, Self.requestConnections))
      streams = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: .make(configuration, tls: tls, proxy, Self.streamConnections))
    } catch let error as ConfigurationError {
      throw KubernetesError.configuration(error)
    }
  }

  public func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    let response = try await attempt(request)
    // Tokens are renewed in the background by the kubelet or a plugin; the server's refusal tells that ours is old.
    guard response.status == 401, await credentials.invalidate() else { return response }
    return try await attempt(request)
  }

  public func shutdown() async throws {
    try await requests.shutdown()
    try await streams.shutdown()
    relay?.close()
  }

  private func attempt(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    do {
      let prepared = try await prepare(request)
      var outgoing = HTTPClientRequest(url: address.requestBase + request.target)
      outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
      outgoing.headers = prepared.headers
      if let body = request.body { outgoing.body = .bytes(ByteBuffer(bytes: body)) }
      // Set only when it differs: each configuration has connections of its own.
      if prepared.isRenewed { outgoing.tlsConfiguration = prepared.tls }
      guard let timeout = request.timeout else { return try await stream(outgoing) }
      let what = "\(request.method.rawValue) \(request.path)"
      let ready = outgoing
      return try await withTimeout(
        timeout,
        or: .timeout("\(what): \(address.base) gave no complete answer within \(timeout); it may be overloaded")
      ) {
        try await exchange(ready)
      }
    } catch let error as ConfigurationError {
      throw KubernetesError.configuration(error)
    }
  }

  /// AsyncHTTPClient's own time-out ends at the head, so the body is read here, under the caller's clock.
  private func exchange(_ request: HTTPClientRequest) async throws -> KubernetesResponse {
    try await classifyingErrors {
      let response = try await requests.execute(request, deadline: .distantFuture)
      let body = try await response.body.collect(upTo: KubernetesClient.answerLimit)
      return KubernetesResponse(
        status: Int(response.status.code), headers: response.headers.pairs,
        body: ResponseBody(bytes: Array(body.readableBytesView)))
    }
  }

  private func stream(_ request: HTTPClientRequest) async throws -> KubernetesResponse {
    try await classifyingErrors {
      let response = try await streams.execute(request, deadline: .distantFuture)
      return KubernetesResponse(
        status: Int(response.status.code), headers: response.headers.pairs,
        body: ResponseBody(ClassifiedChunks(body: response.body, server: address.base)))
    }
  }

  private func classifyingErrors<T: Sendable>(_ work: () async throws -> T) async throws -> T {
    do {
      return try await work()
    } catch {
      throw ErrorClassifier.classify(error, server: address.base)
    }
  }
}

extension HTTPTransport {
  /// What the credentials of the moment make of a request.
  struct Prepared: Sendable {
    var headers: HTTPHeaders
    var tls: TLSConfiguration
    /// Whether `tls` is another one than at the start.
    var isRenewed: Bool
  }

  /// - Throws: ``ConfigurationError`` when credentials cannot be had.
  func prepare(_ request: KubernetesRequest) async throws -> Prepared {
    let current = try await credentials.current()
    var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
    headers.replaceOrAdd(name: "User-Agent", value: userAgent)
    if let host = address.hostHeader { headers.replaceOrAdd(name: "Host", value: host) }
    for header in impersonation { headers.add(name: header.name, value: header.value) }
    if let token = current.token { headers.replaceOrAdd(name: "Authorization", value: "Bearer " + token) }
    return Prepared(headers: headers, tls: current.tls, isRenewed: current.isRenewed)
  }
}

extension HTTPHeaders {
  fileprivate var pairs: [(name: String, value: String)] { map { (name: $0.name, value: $0.value) } }
}

/// A streamed body whose errors are of our kind.
private struct ClassifiedChunks: AsyncSequence, Sendable {
  typealias Element = ByteBuffer
  let body: HTTPClientResponse.Body
  let server: String

  func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: body.makeAsyncIterator(), server: server) }

  struct AsyncIterator: AsyncIteratorProtocol {
    var base: HTTPClientResponse.Body.AsyncIterator
    let server: String

    mutating func next() async throws -> ByteBuffer? {
      do {
        return try await base.next()
      } catch {
        throw ErrorClassifier.classify(error, server: server)
      }
    }
  }
}
