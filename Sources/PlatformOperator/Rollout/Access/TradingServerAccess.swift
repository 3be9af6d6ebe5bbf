import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// What a server answered.
struct HTTPAnswer: Sendable, Hashable {
  var status: Int
  /// Names in lower case.
  var headers: [String: String] = [:]
  var body = ""
}

/// How the operator reaches trading servers: over the pods' network, past the live Service.
protocol TradingServerAccess: Sendable {
  /// One request over a connection of its own, so that a Service chooses a pod for each.
  /// - Throws: Whatever kept the whole answer from coming in time.
  func send(
    _ method: String, _ url: String, headers: [String: String], body: String?, timeout: Duration
  ) async throws -> HTTPAnswer
}

extension TradingServerAccess {
  /// Without headers or body.
  func send(_ method: String, _ url: String, timeout: Duration) async throws -> HTTPAnswer {
    try await send(method, url, headers: [:], body: nil, timeout: timeout)
  }
}

/// Over HTTP/1.1; redirections are answers.
struct PodNetworkAccess: TradingServerAccess {
  /// Lives as long as the process.
  private static let client: HTTPClient = {
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.httpVersion = .http1Only
    configuration.timeout.connect = .seconds(2)
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }()

  /// Bytes of an answer; nothing that is asked for is nearly as long.
  private static let limit = 8 << 20

  func send(
    _ method: String, _ url: String, headers: [String: String], body: String?, timeout: Duration
  ) async throws -> HTTPAnswer {
    var request = HTTPClientRequest(url: url)
    request.method = HTTPMethod(rawValue: method)
    request.headers = HTTPHeaders(headers.map { ($0.key, $0.value) })
    request.headers.replaceOrAdd(name: "connection", value: "close")
    if let body { request.body = .bytes(ByteBuffer(string: body)) }
    let response = try await Self.client.execute(request, timeout: TimeAmount(timeout))
    var answer = HTTPAnswer(status: Int(response.status.code))
    for header in response.headers { answer.headers[header.name.lowercased()] = header.value }
    answer.body = String(buffer: try await response.body.collect(upTo: Self.limit))
    return answer
  }
}
