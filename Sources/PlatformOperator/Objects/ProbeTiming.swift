import KubernetesModels
import RTXPlatformAPI

/// The timing that each `probes` entry of the spec gives.
protocol ProbeTiming {
  var initialDelaySeconds: Int { get }
  var periodSeconds: Int { get }
  var timeoutSeconds: Int { get }
  var failureThreshold: Int { get }
}

extension BackendProbesLivenessSpec: ProbeTiming {}
extension BackendProbesReadinessSpec: ProbeTiming {}
extension BackendProbesStartupSpec: ProbeTiming {}
extension PostgresProbesLivenessSpec: ProbeTiming {}
extension PostgresProbesReadinessSpec: ProbeTiming {}
extension RedisProbesLivenessSpec: ProbeTiming {}
extension RedisProbesReadinessSpec: ProbeTiming {}

extension Probe {
  static func http(_ path: String, port: String, _ timing: some ProbeTiming) -> Probe {
    timed(Probe(httpGet: HTTPGetAction(path: path, port: .string(port), scheme: "HTTP")), timing)
  }

  static func exec(_ command: [String], _ timing: some ProbeTiming) -> Probe {
    timed(Probe(exec: ExecAction(command: command)), timing)
  }

  private static func timed(_ probe: Probe, _ timing: some ProbeTiming) -> Probe {
    var probe = probe
    probe.initialDelaySeconds = timing.initialDelaySeconds
    probe.periodSeconds = timing.periodSeconds
    probe.timeoutSeconds = timing.timeoutSeconds
    probe.failureThreshold = timing.failureThreshold
    return probe
  }
}
