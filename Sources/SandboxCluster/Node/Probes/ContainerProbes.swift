import FoundationEssentials
import KubernetesModels

/// The probes of one run of a container, each with its own rhythm, until the task is cancelled.
struct ContainerProbes: Sendable {
  var runner: ProbeRunner
  var startedAt: Date

  /// What a probe tells its pod.
  enum Report: Sendable {
    case started
    case ready(Bool)
    /// The container has to be killed.
    case unhealthy(String)
    /// A single failure, for the events.
    case failed(ProbeMachine.Kind, output: String)
  }

  /// - Parameters:
  ///   - isStarted: whether the startup probe is over; the others wait for it.
  func run(
    isStarted: @escaping @Sendable () async -> Bool, report: @escaping @Sendable (Report) async -> Void
  ) async {
    await withTaskGroup(of: Void.self) { group in
      for kind in ProbeMachine.Kind.allCases {
        guard let probe = probe(kind) else { continue }
        group.addTask { await follow(kind, probe, isStarted: isStarted, report: report) }
      }
    }
  }

  private func probe(_ kind: ProbeMachine.Kind) -> Probe? {
    switch kind {
    case .startup: runner.container.startupProbe
    case .liveness: runner.container.livenessProbe
    case .readiness: runner.container.readinessProbe
    }
  }

  private func follow(
    _ kind: ProbeMachine.Kind, _ probe: Probe, isStarted: @Sendable () async -> Bool,
    report: @Sendable (Report) async -> Void
  ) async {
    var machine = ProbeMachine(kind: kind, probe: probe)
    let period = Duration.seconds(max(1, probe.periodSeconds ?? 10))
    do {
      let age = Date().timeIntervalSince(startedAt)
      let delay = Double(probe.initialDelaySeconds ?? 0) - age
      if delay > 0 { try await Task.sleep(for: .seconds(delay)) }
      if kind != .startup {
        while await !isStarted() { try await Task.sleep(for: .milliseconds(100)) }
      }
      while !Task.isCancelled {
        let result = await runner.check(probe)
        try Task.checkCancellation()
        if !result.success { await report(.failed(kind, output: result.output)) }
        if let verdict = machine.record(success: result.success) {
          await tell(kind, verdict, result.output, report)
          if kind == .startup, verdict == .success { return }
        }
        try await Task.sleep(for: period)
      }
    } catch {
      // Cancelled: the container has ended.
    }
  }

  private func tell(
    _ kind: ProbeMachine.Kind, _ verdict: ProbeMachine.Verdict, _ output: String,
    _ report: @Sendable (Report) async -> Void
  ) async {
    switch (kind, verdict) {
    case (.readiness, _): await report(.ready(verdict == .success))
    case (.startup, .success): await report(.started)
    case (.liveness, .success): break
    case (_, .failure):
      let name = runner.container.name
      await report(
        .unhealthy("Container \(name) failed \(kind.rawValue.lowercased()) probe, will be restarted"))
    }
  }
}
