import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import RTXPlatformAPI

/// Takes a platform's trading servers from release to release (``Release``): reads, decides, writes the status or carries
/// out what the written status asks for.
///
/// It has a controller of its own, so that a switch or a way back never waits for the rest of the platform.
struct RolloutReconciler: Reconciler {
  let client: KubernetesClient
  let informers: PlatformInformers
  let applier: Applier
  let recorder: EventRecorder
  let access: any TradingServerAccess
  let memory: ReleaseMemory
  let metrics: RolloutMetrics
  let notifier: ReleaseNotifier
  let logger: Logger

  /// Steps that may follow each other at once in one run.
  private static let maximumSteps = 20

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    for _ in 0..<Self.maximumSteps {
      // Fresh, so that nothing is carried out by a status that has been passed by, and with the record of who annotated.
      guard informers.platforms.get(key)?.hasColours == true,
        let platform = try await client.getIfPresent(RTXPlatform.self, key.name, in: key.namespace),
        platform.hasColours, !platform.isBeingDeleted
      else {
        memory.forget(key)
        metrics.forget(key)
        return .done
      }
      // The platform's own reconciler says what is wrong with it.
      guard platform.hasFinalizer(PlatformConstants.finalizer), !platform.spec.paused,
        PlatformValidation.problems(of: platform, among: informers.platforms.list()).isEmpty
      else { return .done }
      do {
        if let result = try await step(platform) { return result }
      } catch let error as KubernetesError where error.isConflict {
        // Somebody wrote the platform meanwhile: look again.
      } catch is ReleaseObserver.Interrupted {
        // Likewise.
      }
    }
    return .requeue(after: .milliseconds(100))
  }

  /// - Returns: Nil when the status moved on and the next step can follow.
  private func step(_ platform: RTXPlatform) async throws -> ReconcileResult? {
    let context = PlatformContext(
      platform: platform, client: client, informers: informers,
      writer: ObjectWriter(platform: platform, informers: informers, applier: applier, logger: logger),
      memory: CredentialMemory())
    let checksum = try await ConfigurationReconciler.checksum(context).backend
    let scene = try await ReleaseScene.read(platform, client)
    let executor = ReleaseExecutor(
      platform: platform, checksum: checksum, scene: scene, client: client, informers: informers,
      writer: context.writer, access: access, memory: memory, logger: logger)
    guard platform.spec.rollout.strategy == "BlueGreen" else { return try await leave(platform, scene, executor) }

    let now = Timestamp.now
    let release = Release(platform.status?.rollout, now: now)
    let policy = ReleasePolicy(platform.spec.rollout)
    let observer = ReleaseObserver(
      platform: platform, checksum: checksum, client: client, informers: informers, access: access, memory: memory)
    let seen = try await observer.observe(release, scene, now: now)
    switch release.step(seen, policy: policy, now: now) {
    case .write(let next):
      let message = ReleaseMessage.text(next, seen, scene, policy)
      try await write(next.status(message: message), to: platform)
      let waits = seen.isFrozen || (!policy.autoPromote && next.approver == nil)
      await tell(release, next, message, platform, waits: waits)
      if next.handledWish != release.handledWish { try await removeAnnotation(of: platform) }
      return nil
    case .carryOut(let plan):
      try await executor.carryOut(plan, release)
      let message = ReleaseMessage.text(release, seen, scene, policy)
      if platform.status?.rollout?.message != message {
        try await write(release.status(message: message), to: platform)
      }
      metrics.record(platform.key, release)
      return rest(release, seen)
    }
  }

  /// Changes of pods, Jobs and the spec wake the reconciler; times and figures have to be looked at.
  private func rest(_ release: Release, _ seen: ReleaseObservation) -> ReconcileResult {
    switch release.step {
    case .switching, .rollingBack: .requeue(after: .milliseconds(100))
    case .testing: .requeue(after: .milliseconds(500))
    case .watching, .draining, .retiring: .requeue(after: .seconds(1))
    case .preparing, .deploying: .requeue(after: .seconds(2))
    case .awaitingApproval: .requeue(after: .seconds(10))
    case .idle:
      seen.target == release.stableRevision && seen.colours.count == 1
        ? .requeue(after: .seconds(60)) : .requeue(after: .seconds(5))
    }
  }

  // MARK: Writing

  /// Refused when somebody wrote in between: the step was decided on what was read.
  private func write(_ status: RolloutStatus?, to platform: RTXPlatform) async throws {
    var rollout = JSONValue.null
    if let status {
      // A merge patch keeps what it does not name, so what there was and is no more is named.
      let new = try JSONValue(encoding: status)
      let old = try platform.status?.rollout.map { try JSONValue(encoding: $0) }
      rollout = new.clearing(keysOf: old)
    }
    let version = JSONValue.string(platform.metadata.resourceVersion ?? "")
    _ = try await client.patch(
      RTXPlatform.self, platform.name, in: platform.namespace,
      .merge(["metadata": ["resourceVersion": version], "status": ["rollout": rollout]]), subresource: "status")
  }

  /// A wish that was dealt with is taken off, so that the same words can be written again.
  private func removeAnnotation(of platform: RTXPlatform) async throws {
    _ = try await client.patch(
      RTXPlatform.self, platform.name, in: platform.namespace,
      .merge(["metadata": ["annotations": [PlatformConstants.releaseAnnotation: .null]]]))
  }

  private func tell(_ old: Release, _ new: Release, _ message: String, _ platform: RTXPlatform, waits: Bool) async {
    metrics.record(platform.key, new)
    for entry in ReleaseEvents.between(old, new, message: message, waits: waits) {
      logger.info(
        "release",
        metadata: ["platform": "\(platform.key)", "reason": "\(entry.reason)", "what": "\(entry.message)"])
      metrics.count(platform.key, entry)
      notifier.tell(platform, entry.message)
      guard platform.spec.notifications.events else { continue }
      await recorder.record(
        entry.type, regarding: platform, reason: entry.reason, message: entry.message, action: "Release")
    }
  }

  // MARK: Away from colours

  /// With the strategy RollingUpdate again: the one Deployment is made beside the colours, takes the requests when it can,
  /// and only then the colours go. Any release under way ends with that.
  private func leave(
    _ platform: RTXPlatform, _ scene: ReleaseScene, _ executor: ReleaseExecutor
  ) async throws -> ReconcileResult? {
    if try await executor.returnToPlain() {
      try await write(nil, to: platform)
      return nil
    }
    return .requeue(after: .seconds(1))
  }
}

extension JSONValue {
  /// Null for every key of `old` that is not here, as a merge patch removes it.
  fileprivate func clearing(keysOf old: JSONValue?) -> JSONValue {
    guard case .object(var fields) = self, case .object(let before)? = old else { return self }
    for key in before.keys where fields[key] == nil { fields[key] = .null }
    return .object(fields)
  }
}
