public import KubernetesClient
import KubernetesModels
import NIOCore
import Synchronization

/// A way to an API server on which things go wrong, as a test wants it or at random.
///
/// ```swift
/// let faults = FaultInjector(server.transport)
/// faults.plan = { $0.method.isRead ? nil : .loseAnswer }
/// let client = KubernetesClient(transport: faults)
/// ```
public final class FaultInjector: KubernetesTransport {
  /// What goes wrong with a request; nil lets it pass.
  public typealias Plan = @Sendable (KubernetesRequest) -> Fault?

  private struct State {
    var plan: Plan
    var requests: [String] = []
    var isCut = false
  }

  private let base: any KubernetesTransport
  private let sleep: @Sendable (Duration) async throws -> Void
  private let state: Mutex<State>

  /// - Parameter clock: What `Fault.delay` waits on.
  public init<C: Clock>(
    _ base: any KubernetesTransport, clock: C = ContinuousClock(), plan: @escaping Plan = { _ in nil }
  ) where C.Duration == Duration {
    self.base = base
    sleep = { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) }
    state = Mutex(State(plan: plan))
  }

  /// What goes wrong from now on.
  public func setPlan(_ plan: @escaping Plan) { state.withLock { $0.plan = plan } }

  /// While cut, requests hang until they are cancelled: what a lost network looks like from inside.
  public var isCut: Bool {
    get { state.withLock { $0.isCut } }
    set { state.withLock { $0.isCut = newValue } }
  }

  /// Every request that came here so far, as `GET /api/v1/pods?watch=true`.
  public var requests: [String] { state.withLock { $0.requests } }

  /// Requests other than reads, so far.
  public var writes: [String] { requests.filter { !$0.hasPrefix("GET ") && !$0.hasPrefix("HEAD ") } }

  public func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    let (fault, isCut) = state.withLock { state in
      state.requests.append(request.description)
      return (state.plan(request), state.isCut)
    }
    if isCut {
      let silence = AsyncStream<Never> { _ in }
      for await _ in silence {}
      throw CancellationError()
    }
    switch fault {
    case nil: return try await base.send(request)
    case .drop: throw Self.broken("connection reset")
    case .loseAnswer:
      _ = try await base.send(request).body.collect(upTo: 64 << 20)
      throw Self.broken("the answer was lost")
    case .delay(let duration):
      try await sleep(duration)
      return try await base.send(request)
    case .refuse(let refusal, let seconds): return Self.refuse(refusal, seconds)
    case .truncate(let count): return try await changed(request, BodyFault(end: .broken, after: count))
    case .close(let count): return try await changed(request, BodyFault(end: .clean, after: count))
    case .expire(let count): return try await changed(request, BodyFault(end: .expired, after: count))
    case .duplicate: return try await changed(request, BodyFault(end: nil, after: .max, duplicates: true))
    }
  }

  public func shutdown() async throws { try await base.shutdown() }

  private func changed(_ request: KubernetesRequest, _ fault: BodyFault) async throws -> KubernetesResponse {
    var response = try await base.send(request)
    response.body = ResponseBody(FaultyBody(base: response.body, fault: fault))
    return response
  }

  static func broken(_ message: String) -> KubernetesError {
    .transport(TransportFailure(kind: .closed, server: "fault injector", message: message))
  }

  static func status(_ refusal: Fault.Refusal) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": .integer(Int64(refusal.rawValue)),
      "reason": .string(refusal.reason), "message": "injected",
    ]
  }

  private static func refuse(_ refusal: Fault.Refusal, _ retryAfterSeconds: Int?) -> KubernetesResponse {
    var headers = [(name: "Content-Type", value: "application/json")]
    if let retryAfterSeconds { headers.append((name: "Retry-After", value: String(retryAfterSeconds))) }
    return KubernetesResponse(
      status: refusal.rawValue, headers: headers, body: ResponseBody(bytes: status(refusal).serialized()))
  }
}
