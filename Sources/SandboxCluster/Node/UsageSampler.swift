import FoundationEssentials
public import KubernetesModels
import Synchronization

/// Measures what containers use, every ten seconds, for `kubectl top` and the autoscaler.
final class UsageSampler: Sendable {
  /// One container of one pod, while it runs.
  struct Target: Sendable, Hashable {
    var namespace: String
    var pod: String
    var labels: [String: String]
    var container: String
    var id: String
    var cgroupPath: String
  }

  struct Measurement: Sendable {
    var target: Target
    /// Cores, over the time since the sample before.
    var cpuCores: Double
    var memoryBytes: UInt64
    var at: Date
    var window: TimeInterval
  }

  private struct Sample {
    var at: Date
    var usage: ControlGroups.Usage
  }

  private struct State {
    var last: [String: Sample] = [:]
    var measurements: [String: Measurement] = [:]
  }

  private let state = Mutex(State())

  var measurements: [Measurement] { state.withLock { Array($0.measurements.values) } }

  func run(_ targets: @Sendable () async -> [Target]) async {
    while !Task.isCancelled {
      let current = await targets()
      let now = Date()
      let samples = current.map { ($0, ControlGroups.usage($0.cgroupPath)) }
      state.withLock { state in
        let known = Set(current.map(\.id))
        state.last = state.last.filter { known.contains($0.key) }
        state.measurements = state.measurements.filter { known.contains($0.key) }
        for (target, usage) in samples {
          guard let usage else { continue }
          defer { state.last[target.id] = Sample(at: now, usage: usage) }
          guard let before = state.last[target.id], usage.cpuNanoseconds >= before.usage.cpuNanoseconds else {
            continue
          }
          let window = now.timeIntervalSince(before.at)
          guard window > 0 else { continue }
          let cores = Double(usage.cpuNanoseconds - before.usage.cpuNanoseconds) / 1e9 / window
          state.measurements[target.id] = Measurement(
            target: target, cpuCores: cores, memoryBytes: usage.memoryBytes, at: now, window: window)
        }
      }
      try? await Task.sleep(for: .seconds(10))
    }
  }
}

extension PodmanNode: PodMetricsSource {
  /// One PodMetrics object for each pod that has been measured at least once.
  public func podMetrics() async -> [JSONValue] {
    let pods = Dictionary(grouping: usage.measurements) { "\($0.target.namespace)/\($0.target.pod)" }
    return pods.sorted { $0.key < $1.key }.compactMap { _, containers in
      guard let first = containers.first else { return nil }
      return [
        "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
        "metadata": [
          "name": .string(first.target.pod), "namespace": .string(first.target.namespace),
          "labels": .object(first.target.labels.mapValues { .string($0) }),
          "creationTimestamp": .string(Timestamp(first.at).description),
        ],
        "timestamp": .string(Timestamp(first.at).description), "window": .string("\(Int(first.window.rounded()))s"),
        "containers": .array(
          containers.sorted { $0.target.container < $1.target.container }.map { measurement in
            [
              "name": .string(measurement.target.container),
              "usage": Self.usage(cores: measurement.cpuCores, bytes: measurement.memoryBytes),
            ]
          }),
      ]
    }
  }

  /// The sum of the pods on this node.
  public func nodeMetrics() async -> [JSONValue] {
    let all = usage.measurements
    let now = Timestamp.now.description
    return [
      [
        "apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics",
        "metadata": ["name": .string(configuration.name), "creationTimestamp": .string(now)],
        "timestamp": .string(now), "window": "10s",
        "usage": Self.usage(cores: all.reduce(0) { $0 + $1.cpuCores }, bytes: all.reduce(0) { $0 + $1.memoryBytes }),
      ]
    ]
  }

  private static func usage(cores: Double, bytes: UInt64) -> JSONValue {
    ["cpu": .string("\(Int((cores * 1e9).rounded()))n"), "memory": .string("\(bytes / 1024)Ki")]
  }

  @Sendable func runningContainers() async -> [UsageSampler.Target] {
    var targets: [UsageSampler.Target] = []
    for worker in workers {
      let (pod, record) = (await worker.pod, await worker.record)
      for container in pod.allContainers {
        guard let run = record[container.name].run else { continue }
        targets.append(
          .init(
            namespace: pod.metadata.namespace ?? "", pod: pod.metadata.name ?? "",
            labels: pod.metadata.labels ?? [:], container: container.name, id: run.id, cgroupPath: run.cgroupPath))
      }
    }
    return targets
  }
}
