import FoundationEssentials
import KubernetesModels

/// Builds the status of a pod from what the node knows. Pure: the same record gives the same status.
struct PodStatusReport {
  var pod: Pod
  var record: PodRecord
  /// The status that the server has, for the times of conditions that stay.
  var before: PodStatus?
  var hostAddress: String
  var now: Date

  /// The whole status, with conditions that others wrote left in.
  func status() -> PodStatus {
    var status = PodStatus()
    let phase = PodPhase.of(pod, record)
    status.phase = phase.rawValue
    status.reason = record.verdict?.reason
    status.message = record.verdict?.message
    status.hostIP = hostAddress
    status.hostIPs = [HostIP(ip: hostAddress)]
    if let address = record.address {
      status.podIP = address.description
      status.podIPs = [PodIP(ip: address.description)]
    }
    status.startTime = record.startedAt.map { Timestamp($0) }
    status.qosClass = pod.status?.qosClass
    status.observedGeneration = pod.metadata.generation
    if let containers = pod.spec?.initContainers, !containers.isEmpty {
      status.initContainerStatuses = containers.map { containerStatus($0, isInit: true) }
    }
    status.containerStatuses = (pod.spec?.containers ?? []).map { containerStatus($0, isInit: false) }
    status.conditions = conditions(phase)
    return status
  }

  /// A status as a merge patch: fields that it does not have any more are taken away.
  static func patch(_ status: JSONValue) -> JSONValue {
    var patch = status
    for field in ["reason", "message", "podIP", "podIPs", "initContainerStatuses"] where patch[field] == nil {
      patch[field] = .null
    }
    return patch
  }

  // MARK: Containers

  private func containerStatus(_ container: Container, isInit: Bool) -> ContainerStatus {
    let state = record[container.name]
    var status = ContainerStatus(
      image: state.image?.name ?? container.image ?? "", imageID: state.image?.id ?? "", name: container.name,
      ready: isReady(container, isInit: isInit), restartCount: state.attempt)
    status.started = state.run != nil && state.isStarted
    status.containerID = (state.run?.id ?? state.exit?.id).map { "podman://\($0)" }
    status.state = self.state(of: container, state)
    // While it waits for its next run, the last end is history already.
    let isBetweenRuns = status.state?.waiting != nil
    if let last = isBetweenRuns ? state.exit ?? state.previous : state.previous {
      status.lastState = ContainerState(terminated: terminated(last))
    }
    return status
  }

  func isReady(_ container: Container, isInit: Bool) -> Bool {
    let state = record[container.name]
    if isInit, !container.isSidecar { return state.exit?.exitCode == 0 }
    guard state.run != nil, state.isStarted, !state.isStopping else { return false }
    return container.readinessProbe == nil || state.isReady
  }

  private func state(of container: Container, _ state: ContainerRecord) -> ContainerState {
    switch state.stage {
    case .notStarted:
      let isInitializing = !(pod.spec?.initContainers ?? []).isEmpty && !isInitialized
      return waiting(isInitializing ? "PodInitializing" : "ContainerCreating", surroundingsMessage)
    case .starting: return waiting("ContainerCreating", nil)
    case .waiting(let reason, let message, _): return waiting(reason, message)
    case .running(let run): return ContainerState(running: ContainerStateRunning(startedAt: Timestamp(run.startedAt)))
    case .exited(let exit):
      guard willRestart(container, exit), let next = state.backOff.nextTry, next > now else {
        return ContainerState(terminated: terminated(exit))
      }
      return waiting(
        "CrashLoopBackOff",
        "back-off \(Self.text(state.backOff.delay)) restarting failed container=\(container.name) "
          + "pod=\(pod.metadata.name ?? "")_\(pod.metadata.namespace ?? "")(\(pod.metadata.uid ?? ""))")
    }
  }

  private var surroundingsMessage: String? {
    if case .failed(let message, _) = record.surroundings { return message }
    return nil
  }

  private func willRestart(_ container: Container, _ exit: ContainerRecord.Exit) -> Bool {
    if pod.metadata.deletionTimestamp != nil || record.verdict != nil { return false }
    if container.isSidecar { return true }
    let isInit = (pod.spec?.initContainers ?? []).contains { $0.name == container.name }
    switch pod.restartPolicy {
    case "Never": return false
    case "Always": return !isInit || exit.exitCode != 0
    default: return exit.exitCode != 0
    }
  }

  private func waiting(_ reason: String, _ message: String?) -> ContainerState {
    ContainerState(waiting: ContainerStateWaiting(message: message, reason: reason))
  }

  private func terminated(_ exit: ContainerRecord.Exit) -> ContainerStateTerminated {
    ContainerStateTerminated(
      containerID: exit.id.map { "podman://\($0)" }, exitCode: exit.exitCode,
      finishedAt: Timestamp(exit.finishedAt), message: exit.message, reason: exit.reason,
      startedAt: Timestamp(exit.startedAt))
  }

  /// `10s`, `1m20s`, `5m0s`: Go's way to print durations, which everybody knows from these messages.
  private static func text(_ seconds: TimeInterval) -> String {
    let whole = Int(seconds)
    return whole < 60 ? "\(whole)s" : "\(whole / 60)m\(whole % 60)s"
  }

  // MARK: Conditions

  private var isInitialized: Bool {
    if (pod.spec?.containers ?? []).contains(where: { record[$0.name].stage != .notStarted }) { return true }
    return (pod.spec?.initContainers ?? []).allSatisfy { container in
      let state = record[container.name]
      return container.isSidecar ? state.isStarted : state.exit?.exitCode == 0
    }
  }

  private func conditions(_ phase: PodPhase) -> [PodCondition] {
    let own: Set = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
    let foreign = (pod.status?.conditions ?? []).filter { !own.contains($0.type) }
    let unready = (pod.spec?.containers ?? []).filter { !isReady($0, isInit: false) }.map(\.name)
    let uninitialized = (pod.spec?.initContainers ?? []).filter { container in
      container.isSidecar ? !record[container.name].isStarted : record[container.name].exit?.exitCode != 0
    }.map(\.name)
    var ready = Verdict(isTrue: unready.isEmpty)
    if phase == .succeeded {
      ready = Verdict(isTrue: false, reason: "PodCompleted")
    } else if phase == .failed {
      ready = Verdict(isTrue: false, reason: "PodFailed")
    } else if !unready.isEmpty {
      ready.reason = "ContainersNotReady"
      ready.message = "containers with unready status: [\(unready.joined(separator: " "))]"
    }
    var initialized = Verdict(isTrue: isInitialized || phase == .succeeded)
    if !initialized.isTrue {
      initialized.reason = "ContainersNotInitialized"
      initialized.message = "containers with incomplete status: [\(uninitialized.joined(separator: " "))]"
    }
    var podReady = ready
    let gates = (pod.spec?.readinessGates ?? []).map(\.conditionType).filter { gate in
      !foreign.contains { $0.type == gate && $0.status == "True" }
    }
    if ready.isTrue, let gate = gates.first {
      podReady = Verdict(
        isTrue: false, reason: "ReadinessGatesNotReady", message: "the readiness gate \(gate) is not True")
    }
    if case .ready = record.surroundings {
      return [condition("PodReadyToStartContainers", Verdict(isTrue: true))]
        + rest(initialized, podReady, ready, foreign)
    }
    return [condition("PodReadyToStartContainers", Verdict(isTrue: false))]
      + rest(initialized, podReady, ready, foreign)
  }

  private func rest(
    _ initialized: Verdict, _ podReady: Verdict, _ ready: Verdict, _ foreign: [PodCondition]
  ) -> [PodCondition] {
    [
      condition("Initialized", initialized), condition("Ready", podReady), condition("ContainersReady", ready),
      condition("PodScheduled", Verdict(isTrue: true)),
    ] + foreign
  }

  private struct Verdict {
    var isTrue: Bool
    var reason: String?
    var message: String?
  }

  /// The time of the last change is kept while the verdict stays the same.
  private func condition(_ type: String, _ verdict: Verdict) -> PodCondition {
    let status = verdict.isTrue ? "True" : "False"
    let before = before?.conditions?.first { $0.type == type }
    return PodCondition(
      lastTransitionTime: before?.status == status ? before?.lastTransitionTime : Timestamp(now),
      message: verdict.message, observedGeneration: pod.metadata.generation, reason: verdict.reason, status: status,
      type: type)
  }
}

extension Timestamp {
  init(_ date: Date) { self.init(secondsSinceEpoch: Int64(date.timeIntervalSince1970.rounded(.down))) }

  var date: Date { Date(timeIntervalSince1970: Double(secondsSinceEpoch)) }
}
