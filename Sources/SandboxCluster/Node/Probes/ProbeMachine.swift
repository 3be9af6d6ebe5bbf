import KubernetesModels

/// Counts a probe's results against its thresholds (Kubernetes: "Liveness, Readiness and Startup Probes").
struct ProbeMachine: Sendable, Equatable {
  enum Kind: String, Sendable, CaseIterable {
    case startup = "Startup"
    case liveness = "Liveness"
    case readiness = "Readiness"
  }

  enum Verdict: Sendable, Equatable {
    case success
    case failure
  }

  let kind: Kind
  let successThreshold: Int
  let failureThreshold: Int
  /// What stands now; a container is not ready and not started, but alive, before the first verdict.
  private(set) var verdict: Verdict
  private var run = 0
  private var last: Bool?

  init(kind: Kind, probe: Probe) {
    self.kind = kind
    successThreshold = max(1, probe.successThreshold ?? 1)
    failureThreshold = max(1, probe.failureThreshold ?? 3)
    verdict = kind == .liveness ? .success : .failure
  }

  /// Takes one result.
  /// - Returns: the new verdict when a threshold was reached and it says something: a change, or that the container must be killed.
  mutating func record(success: Bool) -> Verdict? {
    run = success == last ? run + 1 : 1
    last = success
    if success {
      guard run >= successThreshold, verdict == .failure else { return nil }
      verdict = .success
      return .success
    }
    guard run >= failureThreshold else { return nil }
    if kind != .readiness {
      // Killing starts the count anew, whatever becomes of the container.
      run = 0
      verdict = .failure
      return .failure
    }
    guard verdict == .success else { return nil }
    verdict = .failure
    return .failure
  }
}
