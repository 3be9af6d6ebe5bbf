import CoreMetrics

/// Whether this process leads, under client-go's name.
struct LeaderElectionMetrics: Sendable {
  private let isLeader: Gauge

  init(lease: ObjectKey, factory: any MetricsFactory) {
    isLeader = Gauge(label: "leader_election_master_status", dimensions: [("name", lease.name)], factory: factory)
    isLeader.record(0)
  }

  func record(leads: Bool) { isLeader.record(leads ? 1 : 0) }
}
