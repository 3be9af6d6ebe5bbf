import KubernetesModels

/// A client of one API server: typed and dynamic verbs, watches, logs and discovery. It keeps no cache.
///
/// Values are cheap to copy and share the transport. Call ``shutdown()`` once at the end.
public struct KubernetesClient: Sendable {
  /// What carries the requests.
  public private(set) var transport: any KubernetesTransport
  /// The namespace that the configuration names for work without an explicit one.
  public let defaultNamespace: String
  /// The time that a request may take in all, where it is not a watch or a followed log.
  public var requestTimeout: Duration
  /// How refusals that name a time for the next try are handled.
  public var retryPolicy: RetryPolicy
  /// Leaves `metadata.managedFields`, often the larger part of an object, out of every answer, without reading it.
  public var omitsManagedFields = false
  /// Keeps requests back that would come too fast; all copies of a client share it.
  let limiter: RequestLimiter?

  /// The longest answer that is read into memory, in bytes.
  static let answerLimit = 256 << 20

  /// Connects to the server of a configuration, over HTTPS. No request is sent yet.
  /// - Throws: ``KubernetesError/configuration(_:)`` when certificates or addresses cannot be used.
  public init(configuration: ClusterConfiguration) throws {
    self.init(
      transport: try HTTPTransport(configuration: configuration), defaultNamespace: configuration.namespace,
      rateLimit: configuration.rateLimit)
    requestTimeout = configuration.requestTimeout
  }

  /// Uses a transport that the caller made, e.g. one into an API server in the same process.
  /// - Parameter rateLimit: how fast it may send; `nil` leaves it to the server's priority and fairness.
  public init(
    transport: any KubernetesTransport, defaultNamespace: String = "default", rateLimit: RateLimit? = nil
  ) {
    self.transport = transport
    limiter = rateLimit.map { RequestLimiter($0) }
    self.defaultNamespace = defaultNamespace
    requestTimeout = .seconds(60)
    retryPolicy = RetryPolicy()
  }

  /// The same client, with all its settings, on another way to the server: a transport that wraps this one's, say.
  public func over(_ transport: any KubernetesTransport) -> KubernetesClient {
    var client = self
    client.transport = transport
    return client
  }

  /// Closes all connections. The client, and every copy of it, is of no use afterwards.
  public func shutdown() async throws { try await transport.shutdown() }

  /// Sends any request and returns the answer as it is, whatever its status.
  /// - Throws: ``KubernetesError`` where there is no answer.
  public func raw(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    try await limiter?.wait()
    return try await transport.send(request)
  }
}

extension KubernetesClient {
  /// Sends a request, waits out refusals that ask for it, and gives the answer once its status is a success.
  /// - Throws: ``KubernetesError``; `CancellationError`.
  func accepted(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    var attempt = 1
    while true {
      let error: KubernetesError
      do {
        try await limiter?.wait()
        let response = try await transport.send(request)
        if (200..<300).contains(response.status) { return response }
        error = try await .refusal(response, of: request)
      } catch let failure as KubernetesError {
        error = failure
      }
      guard let delay = retryPolicy.delay(before: attempt + 1, of: request, after: error) else { throw error }
      attempt += 1
      try await Task.sleep(for: delay)
    }
  }

  /// Sends a request and reads its answer as JSON.
  /// - Throws: ``KubernetesError``; `CancellationError`.
  func json(_ request: KubernetesRequest) async throws -> JSONValue {
    let bytes = try await accepted(request).body.collect(upTo: Self.answerLimit)
    do {
      return try JSONValue(parsing: bytes, omittingManagedFields: omitsManagedFields)
    } catch {
      throw KubernetesError.decoding(
        "the answer to \(request.method.rawValue) \(request.path) is not JSON (\(error)); is the address an API server's?"
      )
    }
  }

  /// A request with a JSON body and the client's time-out.
  func request(
    _ method: RequestMethod, _ path: String, query: [(name: String, value: String)] = [], body: [UInt8]? = nil,
    contentType: String = "application/json"
  ) -> KubernetesRequest {
    var headers = [(name: "Accept", value: "application/json")]
    if body != nil { headers.append((name: "Content-Type", value: contentType)) }
    return KubernetesRequest(
      method: method, path: path, query: query, headers: headers, body: body, timeout: requestTimeout)
  }
}
