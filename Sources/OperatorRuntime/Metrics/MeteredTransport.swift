public import CoreMetrics
public import KubernetesClient
import Synchronization

/// Counts the requests of a client under client-go's names: `rest_client_requests_total` by code, method and host, and
/// `rest_client_request_duration_seconds` by verb and host.
struct MeteredTransport: KubernetesTransport {
  private struct Slot: Hashable {
    var code: String
    var method: String
  }

  /// Making a counter looks it up in the backend's tables; each is made once.
  private final class Counters: Sendable {
    private let counters = Mutex<[Slot: Counter]>([:])
    private let timers = Mutex<[String: Timer]>([:])

    func counter(_ slot: Slot, _ make: () -> Counter) -> Counter {
      counters.withLock { counters in
        if let known = counters[slot] { return known }
        let new = make()
        counters[slot] = new
        return new
      }
    }

    func timer(_ method: String, _ make: () -> Timer) -> Timer {
      timers.withLock { timers in
        if let known = timers[method] { return known }
        let new = make()
        timers[method] = new
        return new
      }
    }
  }

  let base: any KubernetesTransport
  let host: String
  let factory: any MetricsFactory
  private let counters = Counters()

  init(base: any KubernetesTransport, host: String, factory: any MetricsFactory) {
    self.base = base
    self.host = host
    self.factory = factory
  }

  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    let started = ContinuousClock.now
    do {
      let response = try await base.send(request)
      count(request, "\(response.status)", ContinuousClock.now - started)
      return response
    } catch {
      // client-go's word for a request without an answer.
      count(request, "<error>", ContinuousClock.now - started)
      throw error
    }
  }

  func connect(_ request: KubernetesRequest, subprotocols: [String]) async throws -> MessageConnection {
    try await base.connect(request, subprotocols: subprotocols)
  }

  func shutdown() async throws { try await base.shutdown() }

  private func count(_ request: KubernetesRequest, _ code: String, _ duration: Duration) {
    let method = request.method.rawValue
    counters.counter(Slot(code: code, method: method)) {
      Counter(
        label: "rest_client_requests_total", dimensions: [("code", code), ("method", method), ("host", host)],
        factory: factory)
    }.increment()
    counters.timer(method) {
      Timer(
        label: "rest_client_request_duration_seconds", dimensions: [("verb", method), ("host", host)],
        factory: factory)
    }.record(duration: duration)
  }
}

extension KubernetesClient {
  /// The same client, with its requests counted under client-go's metric names.
  /// - Parameter host: The `host` label: the API server's host and port.
  public func metered(host: String, metrics: any MetricsFactory = MetricsSystem.factory) -> KubernetesClient {
    over(MeteredTransport(base: transport, host: host, factory: metrics))
  }
}
