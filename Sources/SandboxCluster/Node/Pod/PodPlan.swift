import FoundationEssentials
import KubernetesModels

/// Everything a node knows of one pod beside its object.
struct PodRecord: Sendable, Equatable {
  /// How far the pod's surroundings are.
  enum Surroundings: Sendable, Equatable {
    case none
    case preparing
    /// Volumes or network cannot be had yet; tried again at the given time.
    case failed(message: String, until: Date)
    case ready(IPv4Address)
    case removing
    /// Given back after the containers had ended.
    case removed
  }

  var surroundings: Surroundings = .none
  /// The address, also after it was given back.
  var address: IPv4Address?
  /// By container name, init containers included.
  var containers: [String: ContainerRecord] = [:]
  var startedAt: Date?
  /// Why the pod must end although nobody deleted it, e.g. `DeadlineExceeded`.
  var verdict: Verdict?

  struct Verdict: Sendable, Equatable {
    var reason: String
    var message: String
  }

  subscript(container: String) -> ContainerRecord {
    get { containers[container] ?? ContainerRecord() }
    set { containers[container] = newValue }
  }
}

/// What is to be done about a pod.
enum PodAction: Sendable, Equatable {
  /// Volumes, network, files.
  case prepare
  case start(container: String)
  /// `graceSeconds` covers the preStop hook and the time after SIGTERM.
  case stop(container: String, graceSeconds: Int, message: String)
  /// Give network and volumes back: every container has ended.
  case tearDown
  /// The object can go: nothing of the pod is left.
  case removeObject
}

/// Decides what to do next for a pod, from its object, what is known of its containers, and the time.
///
/// A pure function, called again after every change: it never relies on having been called before. The rules are the kubelet's
/// (Kubernetes: "Pod Lifecycle", "Init Containers", "Sidecar Containers").
struct PodPlan: Sendable, Equatable {
  var actions: [PodAction] = []
  /// When to look again although nothing has changed.
  var wakeAt: Date?

  /// - Parameter isGone: the object is no longer in the API server.
  static func decide(pod: Pod, record: PodRecord, isGone: Bool = false, now: Date) -> PodPlan {
    var plan = PodPlan()
    let isDeleted = isGone || pod.metadata.deletionTimestamp != nil
    if isDeleted || record.verdict != nil {
      plan.end(pod, record, isGone: isGone, isDeleted: isDeleted)
    } else if PodPhase.of(pod, record).isFinal {
      plan.release(pod, record)
    } else {
      plan.goOn(pod, record, now: now)
    }
    return plan
  }

  private mutating func look(at time: Date) { wakeAt = wakeAt.map { min($0, time) } ?? time }

  // MARK: Living

  private mutating func goOn(_ pod: Pod, _ record: PodRecord, now: Date) {
    switch record.surroundings {
    case .none: actions.append(.prepare)
    case .failed(_, let until):
      if until <= now { actions.append(.prepare) } else { look(at: until) }
    case .preparing, .removing, .removed: break
    case .ready:
      if let seconds = pod.spec?.activeDeadlineSeconds, let startedAt = record.startedAt {
        look(at: startedAt.addingTimeInterval(Double(seconds)))
      }
      guard startInitContainers(pod, record, now: now) else { return }
      for container in pod.spec?.containers ?? [] {
        let restart = pod.restartPolicy
        keepRunning(container, record[container.name], restart: restart, pod, now: now)
      }
    }
  }

  /// - Returns: whether the ordinary containers may start.
  private mutating func startInitContainers(_ pod: Pod, _ record: PodRecord, now: Date) -> Bool {
    // Once a container has run, init containers are history (the pod is never initialized twice).
    let isInitialized = (pod.spec?.containers ?? []).contains { record[$0.name].stage != .notStarted }
    for container in pod.spec?.initContainers ?? [] {
      let state = record[container.name]
      if container.isSidecar {
        keepRunning(container, state, restart: "Always", pod, now: now)
        guard isInitialized || state.isStarted else { return false }
      } else if !isInitialized {
        if state.exit?.exitCode == 0 { continue }
        keepRunning(container, state, restart: pod.restartPolicy == "Never" ? "Never" : "OnFailure", pod, now: now)
        return false
      }
    }
    return true
  }

  private mutating func keepRunning(
    _ container: Container, _ state: ContainerRecord, restart: String, _ pod: Pod, now: Date
  ) {
    switch state.stage {
    case .notStarted: actions.append(.start(container: container.name))
    case .waiting(_, _, let until):
      if until <= now { actions.append(.start(container: container.name)) } else { look(at: until) }
    case .starting: break
    case .running:
      if let unhealthy = state.unhealthy, !state.isStopping {
        actions.append(
          .stop(
            container: container.name, graceSeconds: container.graceAfterFailedProbe ?? pod.graceSeconds,
            message: unhealthy))
      }
    case .exited(let exit):
      guard restart == "Always" || (restart == "OnFailure" && exit.exitCode != 0) else { return }
      let next = state.backOff.nextTry ?? now
      if next <= now { actions.append(.start(container: container.name)) } else { look(at: next) }
    }
  }

  // MARK: Ending

  private mutating func end(_ pod: Pod, _ record: PodRecord, isGone: Bool, isDeleted: Bool) {
    // Force-deleted pods (gone from the server) get no time: nobody waits for them, and their name may be taken already.
    let grace = isGone ? 0 : pod.metadata.deletionGracePeriodSeconds ?? pod.graceSeconds
    let ordinary = pod.allContainers.filter { !$0.isSidecar }
    let sidecars = (pod.spec?.initContainers ?? []).filter(\.isSidecar)
    let stage = ordinary.contains { record[$0.name].isActive } ? ordinary : sidecars
    var isActive = false
    for container in stage where record[container.name].isActive {
      isActive = true
      // One that is just being created is stopped as soon as it runs.
      guard record[container.name].run != nil, !record[container.name].isStopping else { continue }
      actions.append(
        .stop(container: container.name, graceSeconds: grace, message: "Stopping container \(container.name)"))
    }
    guard !isActive else { return }
    switch record.surroundings {
    case .preparing, .removing: break
    case .ready, .failed: actions.append(.tearDown)
    case .none, .removed: if isDeleted { actions.append(.removeObject) }
    }
  }

  /// A pod that has done its work gives back what it holds; its object and logs stay.
  private mutating func release(_ pod: Pod, _ record: PodRecord) {
    var isActive = false
    for container in pod.allContainers where record[container.name].isActive {
      isActive = true
      guard record[container.name].run != nil, !record[container.name].isStopping else { continue }
      actions.append(
        .stop(
          container: container.name, graceSeconds: pod.graceSeconds,
          message: "Stopping container \(container.name): the pod has ended"))
    }
    if !isActive, case .ready = record.surroundings { actions.append(.tearDown) }
  }
}

/// A pod's phase (Kubernetes: "Pod Lifecycle").
enum PodPhase: String, Sendable {
  case pending = "Pending"
  case running = "Running"
  case succeeded = "Succeeded"
  case failed = "Failed"

  var isFinal: Bool { self == .succeeded || self == .failed }

  static func of(_ pod: Pod, _ record: PodRecord) -> PodPhase {
    if record.verdict != nil { return .failed }
    if let phase = pod.status?.phase.flatMap({ PodPhase(rawValue: $0) }), phase.isFinal { return phase }
    let isNever = pod.restartPolicy == "Never"
    let containers = (pod.spec?.containers ?? []).map { record[$0.name] }
    if containers.allSatisfy({ $0.stage == .notStarted }) {
      let hasFailedInit = (pod.spec?.initContainers ?? []).contains { container in
        !container.isSidecar && (record[container.name].exit?.exitCode ?? 0) != 0
      }
      return isNever && hasFailedInit ? .failed : .pending
    }
    // One that has never run keeps the pod pending; one between two runs counts as stopped.
    if containers.contains(where: { $0.run == nil && $0.exit == nil && $0.previous == nil }) { return .pending }
    if containers.contains(where: { $0.run != nil || $0.stage == .starting }) { return .running }
    if containers.contains(where: { $0.exit == nil }) { return .running }
    switch pod.restartPolicy {
    case "Always": return pod.metadata.deletionTimestamp == nil ? .running : ended(containers)
    case "OnFailure":
      let ended = ended(containers)
      return ended == .failed && pod.metadata.deletionTimestamp == nil ? .running : ended
    default: return ended(containers)
    }
  }

  private static func ended(_ containers: [ContainerRecord]) -> PodPhase {
    containers.allSatisfy { $0.exit?.exitCode == 0 } ? .succeeded : .failed
  }
}

extension Pod {
  /// `Always` where nothing is said.
  var restartPolicy: String { spec?.restartPolicy ?? "Always" }
  /// 30 where nothing is said.
  var graceSeconds: Int { spec?.terminationGracePeriodSeconds ?? 30 }
  /// Init containers first, in the order of the spec.
  var allContainers: [Container] { (spec?.initContainers ?? []) + (spec?.containers ?? []) }
}

extension Container {
  /// An init container that goes on running next to the others.
  var isSidecar: Bool { restartPolicy == "Always" }

  fileprivate var graceAfterFailedProbe: Int? {
    livenessProbe?.terminationGracePeriodSeconds ?? startupProbe?.terminationGracePeriodSeconds
  }
}
