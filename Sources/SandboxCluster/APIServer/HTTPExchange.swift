import KubernetesClient
import NIOCore
import NIOHTTP1

/// One request and its answer on a connection, off the event loop.
struct HTTPExchange: Sendable {
  /// What becomes of the connection.
  enum Outcome: Sendable {
    case keepAlive
    case close
    case upgrade(@Sendable (any Channel) -> EventLoopFuture<Void>)
  }

  let server: APIServer
  let channel: any Channel
  let head: HTTPRequestHead
  let body: [UInt8]
  let isTooLarge: Bool
  let certificateUser: UserIdentity?

  func run() async -> Outcome {
    let wantsUpgrade = head.headers.contains(name: "Upgrade")
    do {
      guard let request = request() else { return await refuse(.methodNotAllowed(nil, head.method.rawValue)) }
      if isTooLarge { return await refuse(.tooLarge()) }
      guard let real = authenticate() else { return await refuse(.unauthorized()) }
      let user = try server.impersonated(request, by: real)
      if wantsUpgrade, let outcome = try await upgrade(request, user) { return outcome }
      let response = await server.handle(request, as: user)
      try await send(response, keepAlive: head.isKeepAlive && !wantsUpgrade)
      // The decoder waits for other bytes than HTTP after an Upgrade header: the connection is of no more use.
      return head.isKeepAlive && !wantsUpgrade ? .keepAlive : .close
    } catch let error as APIStatusError {
      return await refuse(error)
    } catch {
      return .close
    }
  }

  /// The request in the server's terms; nil for methods that the API has no use for.
  private func request() -> KubernetesRequest? {
    guard let method = RequestMethod(rawValue: head.method.rawValue) else { return nil }
    let (path, query) = cut(head.uri, "?") ?? (head.uri, "")
    let items = query.split(separator: "&").map { item -> (name: String, value: String) in
      let (name, value) = cut(String(item), "=") ?? (String(item), "")
      return (Self.decoded(name), Self.decoded(value))
    }
    return KubernetesRequest(
      method: method, path: path, query: items, headers: head.headers.map { ($0.name, $0.value) },
      body: body.isEmpty ? nil : body, timeout: nil)
  }

  /// Form decoding: `+` is a space.
  private static func decoded(_ text: String) -> String {
    RequestInfo.decoded(text.replacing("+", with: " "))
  }

  /// A bearer token speaks louder than a certificate; wrong ones are refused, none at all is anonymous.
  private func authenticate() -> UserIdentity? {
    if let header = head.headers.first(name: "Authorization") {
      guard let (scheme, token) = cut(header, " "), scheme.lowercased() == "bearer" else { return nil }
      return server.authenticate(bearerToken: trimmed(token))
    }
    if let token = webSocketToken { return server.authenticate(bearerToken: token) }
    return certificateUser ?? .anonymous
  }

  /// Browsers can't set headers on WebSockets: the token hides among the protocols (Kubernetes websocket
  /// authentication).
  private var webSocketToken: String? {
    let prefix = "base64url.bearer.authorization.k8s.io."
    for protocols in head.headers[canonicalForm: "Sec-WebSocket-Protocol"] where protocols.hasPrefix(prefix) {
      return Base64URL.decode(String(protocols.dropFirst(prefix.count))).map { String(decoding: $0, as: UTF8.self) }
    }
    return nil
  }

  private func upgrade(_ request: KubernetesRequest, _ user: UserIdentity) async throws -> Outcome? {
    guard let decision = await server.decideUpgrade(request, user) else { return nil }
    switch decision {
    case .refuse(let response):
      try await send(response, keepAlive: false)
      return .close
    case .accept(let headers, let install):
      let head = HTTPResponseHead(
        version: .http1_1, status: .switchingProtocols, headers: HTTPHeaders(headers.map { ($0.name, $0.value) }))
      try await channel.writeAndFlush(HTTPServerResponsePart.head(head))
      return .upgrade(install)
    }
  }

  private func refuse(_ error: APIStatusError) async -> Outcome {
    try? await send(.failure(error), keepAlive: false)
    return .close
  }

  /// Writes an answer; each chunk waits until the one before is in the socket, so a slow reader holds back its watch.
  private func send(_ response: KubernetesResponse, keepAlive: Bool) async throws {
    var headers = HTTPHeaders(response.headers.map { ($0.name, $0.value) })
    let isStream = !headers.contains(name: "Content-Length")
    if isStream { headers.replaceOrAdd(name: "Transfer-Encoding", value: "chunked") }
    headers.add(name: "Cache-Control", value: "no-cache, private")
    if !keepAlive { headers.replaceOrAdd(name: "Connection", value: "close") }
    let head = HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
    channel.write(HTTPServerResponsePart.head(head), promise: nil)
    if isStream { channel.flush() }
    if self.head.method != .HEAD {
      for try await chunk in response.body {
        try Task.checkCancellation()
        let part = HTTPServerResponsePart.body(.byteBuffer(chunk))
        // Only a stream is worth a flush per chunk.
        if isStream { try await channel.writeAndFlush(part) } else { channel.write(part, promise: nil) }
      }
    }
    try await channel.writeAndFlush(HTTPServerResponsePart.end(nil))
  }
}

extension APIServer {
  /// Authorises a streaming request and asks the node's side what to do; nil when the path is none of those.
  func decideUpgrade(_ request: KubernetesRequest, _ user: UserIdentity) async -> UpgradeDecision? {
    let target = RequestInfo(request)
    guard target.resource == "pods", target.group.isEmpty,
      let subresource = StreamRequest.Subresource(rawValue: target.subresource)
    else { return nil }
    do {
      try authorize(request, target, user)
      guard let pods = registry.find(group: "", version: "v1", plural: "pods") else { return nil }
      guard let pod = object("", "pods", target.namespace, target.name) else {
        throw APIStatusError.notFound(pods, target.name)
      }
      guard let handler = currentHooks.upgrades else { throw APIStatusError.internalError("no node serves streams") }
      return await handler.decide(
        StreamRequest(
          subresource: subresource, namespace: target.namespace, podName: target.name, pod: pod, method: request.method,
          path: request.path, query: request.query, headers: request.headers, user: user))
    } catch {
      return .refuse(.failure(error as? APIStatusError ?? .internalError("\(error)")))
    }
  }
}
