import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import TradingCore
import TradingStore

/// Makes requests of OANDA's v20 API.
struct OandaConnection: Sendable {
  let settings: OandaSettings
  let client: HTTPClient

  /// The OANDA names of everything that the account may trade.
  func tradeableNames() async throws -> Set<String> {
    struct Answer: Decodable {
      struct Item: Decodable { let name: String }
      let instruments: [Item]
    }
    let response = try await get(settings.instrumentsURL)
    let body = try await response.body.collect(upTo: 1 << 22)
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView)) else {
      throw OandaProblem.unreachable("the list of instruments is not understood")
    }
    return Set(answer.instruments.map(\.name))
  }

  /// Reads prices until the stream ends, which is a problem, or the task is cancelled.
  func stream(_ names: [String], _ receive: ([UInt8]) -> Void) async throws {
    let response = try await get(settings.streamURL(names))
    var splitter = LineSplitter()
    for try await part in response.body {
      for line in splitter.lines(in: part.readableBytesView) { receive(line) }
    }
    throw OandaProblem.ended
  }

  private func get(_ url: String) async throws -> HTTPClientResponse {
    var request = HTTPClientRequest(url: url)
    request.headers.add(name: "Authorization", value: "Bearer \(settings.token.reveal())")
    request.headers.add(name: "Accept-Datetime-Format", value: "RFC3339")
    // No deadline: a stream has no end. Whoever waits for the lines has patience for so long and no longer.
    let response = try await client.execute(request, deadline: .distantFuture)
    if response.status == .ok { return response }
    struct Refusal: Decodable { let errorMessage: String }
    let body = try? await response.body.collect(upTo: 1 << 14)
    let words = body.flatMap { try? JSONDecoder().decode(Refusal.self, from: Data($0.readableBytesView)) }
    throw OandaProblem(
      status: Int(response.status.code), words: words?.errorMessage ?? "", settings: settings,
      retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) })
  }
}
