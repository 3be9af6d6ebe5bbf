public import KubernetesClient
public import KubernetesModels
public import NIOCore

/// What a streaming subresource of a Pod asks for; authentication and authorisation are behind it.
public struct StreamRequest: Sendable {
  /// Which streaming subresource the path names.
  public enum Subresource: String, Sendable { case exec, attach, portforward }

  public var subresource: Subresource
  public var namespace: String
  public var podName: String
  /// The Pod as stored when the request came in.
  public var pod: JSONValue
  public var method: RequestMethod
  public var path: String
  /// Decoded query items in their order; a name may repeat (`command=ls&command=-l`).
  public var query: [(name: String, value: String)]
  /// Header fields as sent; compare the names without case.
  public var headers: [(name: String, value: String)]
  public var user: UserIdentity

  /// The first header with this name, whatever its case.
  public func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }

  /// Every value of a query item.
  public func values(_ name: String) -> [String] {
    query.filter { $0.name == name }.map(\.value)
  }

  /// The first value of a query item.
  public func value(_ name: String) -> String? {
    query.first { $0.name == name }?.value
  }
}

/// The answer to a request that wants the connection for itself.
public enum UpgradeDecision: Sendable {
  /// Stay with HTTP: the response is sent and the connection closed.
  case refuse(KubernetesResponse)
  /// Answer `101 Switching Protocols` with these headers (`Upgrade`, `Connection`, `Sec-WebSocket-Accept`,
  /// `X-Stream-Protocol-Version`, … all of them are the handler's to name), then give the connection away.
  ///
  /// `install` runs on the channel's event loop after the 101 is flushed and with every HTTP handler but the request
  /// decoder
  /// removed; it adds its own handlers at the end of the pipeline. Bytes that the client sent early arrive
  /// at them as `ByteBuffer`s once the returned future is done.
  case accept(
    headers: [(name: String, value: String)], install: @Sendable (any Channel) -> EventLoopFuture<Void>)
}

/// Takes over connections of pods/exec, pods/attach and pods/portforward (WebSocket or SPDY/3.1).
public protocol UpgradeHandler: Sendable {
  /// Decides about one request; called off the event loop, may take its time.
  func decide(_ request: StreamRequest) async -> UpgradeDecision
}

/// The query of `GET …/pods/<name>/log` (PodLogOptions).
public struct PodLogRequest: Sendable {
  public var namespace: String
  public var podName: String
  /// The Pod as stored when the request came in.
  public var pod: JSONValue
  /// Nil when the query names none; the Pod then has exactly one container (else the server has refused already).
  public var container: String?
  public var follow = false
  public var previous = false
  public var timestamps = false
  public var tailLines: Int?
  public var sinceSeconds: Int?
  /// RFC 3339, as sent.
  public var sinceTime: String?
  public var limitBytes: Int?
}

/// Where the server gets container logs from.
public protocol PodLogSource: Sendable {
  /// The log as a `text/plain` body that ends when the log does, or with the container when following.
  ///
  /// - Throws: `APIStatusError`, which becomes the response.
  func logs(_ request: PodLogRequest) async throws -> ResponseBody
}

/// Where `metrics.k8s.io/v1beta1` (`kubectl top`, the HPA controller) gets its numbers from.
public protocol PodMetricsSource: Sendable {
  /// Objects of kind PodMetrics, complete with metadata, timestamp, window and containers.
  func podMetrics() async -> [JSONValue]
  /// Objects of kind NodeMetrics.
  func nodeMetrics() async -> [JSONValue]
}
