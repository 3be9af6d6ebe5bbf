import KubernetesModels
import RTXPlatformAPI

/// Makes the platform's status from what its components report (kstatus: "Ready", "Reconciling", "Stalled"). Pure.
struct PlatformStatusBuilder {
  let platform: RTXPlatform
  let now: Timestamp

  /// - Parameters:
  ///   - components: In the order of `PlatformComponent.allCases`; missing ones keep the condition they had.
  ///   - filled: The status with the components' sections.
  func status(_ components: [PlatformComponent: ComponentCondition], filled: RTXPlatformStatus) -> RTXPlatformStatus {
    var status = filled
    status.observedGeneration = platform.metadata.generation
    let release = filled.rollout.map(ReleaseCondition.of)
    let verdict = Verdict(components, release, isPaused: platform.spec.paused)
    status.phase = verdict.phase.rawValue
    var conditions = [
      condition(.ready, verdict.isReady, verdict.reason, verdict.message),
      condition(
        .reconciling, verdict.isReconciling, verdict.isReconciling ? verdict.reconcilingReason : .available,
        verdict.reconcilingMessage),
      condition(
        .stalled, verdict.stalled != nil, verdict.stalled?.reason ?? .available, verdict.stalled?.message ?? ""),
    ]
    for component in PlatformComponent.allCases {
      if let found = components[component] {
        conditions.append(
          condition(component.conditionType, found.state == .available, found.reason, found.message))
      } else if let known = known(component.conditionType) {
        conditions.append(known)
      }
    }
    if let release {
      conditions.append(condition(.released, release.state == .available, release.reason, release.message))
    }
    status.conditions = conditions
    return status
  }

  /// The status of a platform that cannot be worked on at all: everything else stays as it was last seen.
  func stalled(_ reason: ConditionReason, _ message: String) -> RTXPlatformStatus {
    var status = platform.status ?? RTXPlatformStatus()
    status.observedGeneration = platform.metadata.generation
    status.phase = PlatformPhase.stalled.rawValue
    status.conditions =
      [
        condition(.ready, false, reason, message), condition(.reconciling, false, reason, ""),
        condition(.stalled, true, reason, message),
      ] + (PlatformComponent.allCases.map(\.conditionType) + [.released]).compactMap(known)
    return status
  }

  func deleting(_ message: String) -> RTXPlatformStatus {
    var status = platform.status ?? RTXPlatformStatus()
    status.observedGeneration = platform.metadata.generation
    status.phase = PlatformPhase.deleting.rawValue
    status.conditions = [
      condition(.ready, false, .deleting, message), condition(.reconciling, true, .deleting, message),
      condition(.stalled, false, .deleting, ""),
    ]
    return status
  }

  private func known(_ type: ConditionType) -> Condition? {
    platform.status?.conditions?.first { $0.type == type.rawValue }
  }

  private func condition(
    _ type: ConditionType, _ holds: Bool, _ reason: ConditionReason, _ message: String
  ) -> Condition {
    let status = holds ? "True" : "False"
    let before = known(type)
    return Condition(
      lastTransitionTime: before?.status == status ? before?.lastTransitionTime ?? now : now,
      message: String(message.prefix(4096)), observedGeneration: platform.metadata.generation,
      reason: reason.rawValue, status: status, type: type.rawValue)
  }
}

/// One sentence about the whole, from all components.
private struct Verdict {
  var phase: PlatformPhase
  var isReady: Bool
  var isReconciling: Bool
  var reason: ConditionReason
  var message: String
  var stalled: ComponentCondition?
  var reconcilingReason: ConditionReason

  var reconcilingMessage: String { isReconciling ? message : "" }

  init(
    _ components: [PlatformComponent: ComponentCondition], _ release: ComponentCondition?, isPaused: Bool
  ) {
    let inOrder = PlatformComponent.allCases.compactMap { component in components[component].map { (component, $0) } }
    let needed = inOrder.filter { $0.0.isNeededToServe }
    let missing = needed.filter { $0.1.state != .available }
    let degraded = inOrder.first { !$0.0.isNeededToServe && $0.1.state != .available }
    let blocked = inOrder.first { $0.1.state == .stalled }
    // A refused release needs somebody, though what was there before it serves on.
    stalled = blocked?.1 ?? (release?.state == .stalled ? release : nil)
    isReady = missing.isEmpty
    let isUnderWay = missing.contains { $0.1.state == .progressing } || release?.state == .progressing
    isReconciling = !isPaused && stalled == nil && isUnderWay
    // What is stalled needs the user, so it is told before what goes on by itself.
    let first = blocked ?? missing.first
    reason = first?.1.reason ?? (isPaused ? .paused : .available)
    reconcilingReason = first?.1.reason ?? release?.reason ?? reason
    if let first {
      message = "\(first.0.rawValue): \(first.1.message)"
    } else if let release, release.state != .available {
      message = "serves; release \(release.message)"
    } else if let degraded {
      message = "serves, but \(degraded.0.rawValue): \(degraded.1.message)"
    } else {
      message = "every component serves"
    }
    phase =
      if isPaused { .paused } else if blocked != nil { .stalled } else if !isReady { .progressing } else {
        degraded == nil && stalled == nil ? .ready : .degraded
      }
  }
}
