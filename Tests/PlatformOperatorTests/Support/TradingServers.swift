import Synchronization

@testable import PlatformOperator

/// Stands in for the trading servers of simulated pods: what they answer to tests, tell of their requests and are told.
final class TradingServers: TradingServerAccess {
  private struct State {
    var status = 200
    var failures: [String: Int] = [:]
    var p99: [String: Double] = [:]
    var drained: Set<String> = []
    var smokeTests = 0
    var notices: [String] = []
    var refusals = 0
    var queries: [String] = []
    var queried = "0"
    var isSilent = false
  }

  struct Refused: Error {}

  private let state = Mutex(State())

  /// Status of the answers to smoke tests.
  var status: Int {
    get { state.withLock { $0.status } }
    set { state.withLock { $0.status = newValue } }
  }

  /// Addresses of the pods that were told to send their clients away, and not yet to keep them.
  var drained: Set<String> { state.withLock { $0.drained } }

  /// What a webhook was told.
  var notices: [String] { state.withLock { $0.notices } }

  /// What http://prometheus answers to every query; empty when it answers nothing.
  var queried: String {
    get { state.withLock { $0.queried } }
    set { state.withLock { $0.queried = newValue } }
  }

  /// Paths with their queries that http://prometheus was asked, with the bearer token before them.
  var queries: [String] { state.withLock { $0.queries } }

  /// From now on no pod tells its figures, however long it is waited for.
  func fallSilent() { state.withLock { $0.isSilent = true } }

  /// The webhook does not answer the next so many requests.
  func refuse(_ count: Int) { state.withLock { $0.refusals = count } }

  var smokeTests: Int { state.withLock { $0.smokeTests } }

  /// From now on the pods at these addresses say that so many of 1,000 requests failed.
  func fail(_ addresses: [String], requests: Int) {
    state.withLock { for address in addresses { $0.failures[address] = requests } }
  }

  /// From now on the pods at these addresses answer one request in twenty within so many seconds, the others in 10 ms.
  func slow(_ addresses: [String], to seconds: Double) {
    state.withLock { for address in addresses { $0.p99[address] = seconds } }
  }

  func send(_ method: String, _ url: String, headers: [String: String], body: String?, timeout: Duration) async throws
    -> HTTPAnswer
  {
    if url.hasPrefix("https://hooks.example.com/") {
      return try state.withLock { state in
        if state.refusals > 0 {
          state.refusals -= 1
          throw Refused()
        }
        state.notices.append(body ?? "")
        return HTTPAnswer(status: 200)
      }
    }
    if url.hasPrefix("http://prometheus/") {
      return try state.withLock { state in
        state.queries.append("\(headers["authorization"] ?? "") \(url.dropFirst("http://prometheus".count))")
        if state.queried.isEmpty { throw Refused() }
        let result = #"{"resultType":"scalar","result":[1.5,"\#(state.queried)"]}"#
        return HTTPAnswer(status: 200, body: #"{"status":"success","data":\#(result)}"#)
      }
    }
    let rest = url.split(separator: "/", omittingEmptySubsequences: true)
    let address = rest[1].split(separator: ":").first.map(String.init) ?? ""
    let path = "/" + rest.dropFirst(2).joined(separator: "/")
    if path == "/metrics", state.withLock({ $0.isSilent }) { try await Task.sleep(for: .seconds(3_600)) }
    return state.withLock { state in
      switch path {
      case "/metrics": return HTTPAnswer(status: 200, body: Self.page(state.failures[address] ?? 0, state.p99[address]))
      case _ where path.hasPrefix("/admin/drain"):
        guard headers["authorization"]?.split(separator: ".").count == 3 else { return HTTPAnswer(status: 401) }
        if path.hasSuffix("=0") { state.drained.remove(address) } else { state.drained.insert(address) }
        return HTTPAnswer(status: 204)
      default:
        state.smokeTests += 1
        return HTTPAnswer(status: state.status, body: "{}")
      }
    }
  }

  private static func page(_ failed: Int, _ slow: Double?) -> String {
    """
    rtx_http_requests_total{method="POST",route="/api/orders",status="201"} \(1000 - failed)
    rtx_http_requests_total{method="POST",route="/api/orders",status="500"} \(failed)
    rtx_http_request_duration_seconds_bucket{route="/api/orders",le="0.01"} \(slow == nil ? 1000 : 950)
    rtx_http_request_duration_seconds_bucket{route="/api/orders",le="\(slow ?? 1)"} 1000
    rtx_http_request_duration_seconds_bucket{route="/api/orders",le="+Inf"} 1000
    """
  }
}
