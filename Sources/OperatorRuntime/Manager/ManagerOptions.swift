public import PrometheusMetrics
public import UnixSignals

/// What a manager serves and how it stops.
public struct ManagerOptions: Sendable {
  /// Where the health endpoints listen; nil serves none. Port 0 takes any free one.
  public var healthPort: Int?
  /// Where `/metrics` listens; nil serves none. Port 0 takes any free one.
  public var metricsPort: Int?
  /// The address that both listen on.
  public var host: String
  /// TLS and who may ask, for the health endpoints. A kubelet brings no token.
  public var healthSecurity: EndpointSecurity
  /// TLS and who may ask, for `/metrics`.
  public var metricsSecurity: EndpointSecurity
  /// What `/metrics` shows; bootstrap swift-metrics with the same one.
  public var registry: PrometheusRegistry
  /// Only one replica works at a time, by this lease; nil works without asking.
  public var leaderElection: LeaderElectionOptions?
  /// After a signal, running reconciles get this long to end.
  public var gracePeriod: Duration
  /// Signals that stop the manager gracefully; empty leaves signals to the program.
  public var signals: [UnixSignal]
  /// Where everything that the manager starts runs. By default the event loop of its client's connections, which saves
  /// every hop between threads; nil takes Swift's thread pool, for reconcilers that compute for long or block.
  public var executor: (any TaskExecutor)?

  public init(
    healthPort: Int? = 8081, metricsPort: Int? = 8080, host: String = "0.0.0.0",
    healthSecurity: EndpointSecurity = .none, metricsSecurity: EndpointSecurity = .none,
    registry: PrometheusRegistry = PrometheusRegistry(), leaderElection: LeaderElectionOptions? = nil,
    gracePeriod: Duration = .seconds(20), signals: [UnixSignal] = [.sigterm, .sigint],
    executor: (any TaskExecutor)? = EventLoopExecutor.shared
  ) {
    self.healthPort = healthPort
    self.metricsPort = metricsPort
    self.host = host
    self.healthSecurity = healthSecurity
    self.metricsSecurity = metricsSecurity
    self.registry = registry
    self.leaderElection = leaderElection
    self.gracePeriod = gracePeriod
    self.signals = signals
    self.executor = executor
  }
}

/// Which lease to hold, and as whom.
public struct LeaderElectionOptions: Sendable {
  public var lease: ObjectKey
  /// Must differ between replicas and between runs.
  public var identity: String
  public var timing: LeaderElectionTiming

  public init(lease: ObjectKey, identity: String, timing: LeaderElectionTiming = LeaderElectionTiming()) {
    self.lease = lease
    self.identity = identity
    self.timing = timing
  }
}
