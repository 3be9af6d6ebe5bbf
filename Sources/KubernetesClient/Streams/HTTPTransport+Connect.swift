import NIOCore
import NIOHTTP1

extension HTTPTransport {
  public func connect(
    _ request: KubernetesRequest, subprotocols: [String]
  ) async throws -> MessageConnection {
    switch try await attempt(request, subprotocols) {
    case .open(let connection): return connection
    case .refused(let response):
      guard response.status == 401, await credentials.invalidate() else {
        throw try await KubernetesError.refusal(response, of: request)
      }
    }
    switch try await attempt(request, subprotocols) {
    case .open(let connection): return connection
    case .refused(let response): throw try await KubernetesError.refusal(response, of: request)
    }
  }

  private func attempt(
    _ request: KubernetesRequest, _ subprotocols: [String]
  ) async throws -> WebSocketDialer.Outcome {
    let current: Prepared
    do {
      current = try await prepare(request)
    } catch let error as ConfigurationError {
      throw KubernetesError.configuration(error)
    }
    var head = HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: request.method.rawValue),
      uri: address.pathPrefix + request.target, headers: current.headers)
    if head.headers["Host"].isEmpty { head.headers.add(name: "Host", value: address.authority) }
    let dialer = WebSocketDialer(
      server: address.base, host: address.host, port: address.port, tls: address.isTLS ? current.tls : nil,
      serverName: address.serverName, proxy: proxy)
    let (limit, ready, base) = (request.timeout ?? .seconds(60), head, address.base)
    return try await withTimeout(
      limit, or: .timeout("\(request.path): \(base) opened no stream within \(limit); it may be overloaded")
    ) {
      do {
        return try await dialer.dial(ready, subprotocols: subprotocols)
      } catch {
        throw ErrorClassifier.classify(error, server: base)
      }
    }
  }
}
