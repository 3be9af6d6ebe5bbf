import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import RTXPlatformAPI

/// Makes one platform as its spec says, component by component, and says in its status how it is.
///
/// Each component is tried whatever became of the others. Nothing is written before the whole spec has been checked.
struct PlatformReconciler: Reconciler {
  static let components: [any ComponentReconciler] = [
    NamespaceReconciler(), ConfigurationReconciler(), NetworkReconciler(), PostgresReconciler(), RedisReconciler(),
    BackupReconciler(), BackendReconciler(),
  ]

  let client: KubernetesClient
  let informers: PlatformInformers
  let applier: Applier
  let recorder: EventRecorder
  let memory: CredentialMemory
  let logger: Logger

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard var platform = informers.platforms.get(key) else { return .done }
    if platform.isBeingDeleted { return try await delete(platform) }

    let problems = PlatformValidation.problems(of: platform, among: informers.platforms.list())
    if !problems.isEmpty {
      let message = problems.map(\.description).joined(separator: ". ")
      try await write(builder(platform).stalled(.invalidSpec, message), to: platform)
      // Another platform may give up the host that this one waits for.
      return .requeue(after: .seconds(60))
    }
    var absent: Set<String> = []
    if !platform.spec.paused {
      do {
        absent = try await Preflight(platform: platform, client: client, informers: informers).run()
      } catch ReconcileError.stalled(let reason, let message) {
        let reason = ConditionReason(rawValue: reason) ?? .invalidSpec
        try await write(builder(platform).stalled(reason, message), to: platform)
        return .requeue(after: .seconds(10))
      }
      platform = try await client.addFinalizer(PlatformConstants.finalizer, to: platform)
    }
    return try await reconcile(platform, absent)
  }

  private func reconcile(_ platform: RTXPlatform, _ absent: Set<String>) async throws -> ReconcileResult {
    var logger = logger
    logger[metadataKey: "platform"] = "\(platform.key)"
    let context = PlatformContext(
      platform: platform, client: client, informers: informers,
      writer: ObjectWriter(
        platform: platform, informers: informers, applier: applier, logger: logger, absent: absent),
      memory: memory)
    var conditions: [PlatformComponent: ComponentCondition] = [:]
    var filled = platform.status ?? RTXPlatformStatus()
    var failure: (any Error)?
    for reconciler in Self.components {
      do {
        // Without credentials nothing that needs them is begun.
        if let configuration = conditions[.configuration], configuration.state != .available,
          [.postgres, .redis, .backup, .backend].contains(reconciler.component)
        {
          conditions[reconciler.component] = .progressing(.waiting, "waits for the configuration")
          continue
        }
        let report = try await reconciler.reconcile(context)
        conditions[reconciler.component] = report.condition
        report.fill(&filled)
      } catch let error as CancellationError {
        throw error
      } catch {
        conditions[reconciler.component] = ComponentCondition(error)
        if conditions[reconciler.component]?.state == .progressing { failure = failure ?? error }
      }
    }
    try await write(builder(platform).status(conditions, filled: filled), to: platform)
    if let failure { throw failure }
    return next(platform, conditions)
  }

  /// Changes wake the reconciler; a Secret that the user wrote is not watched, and is looked at now and then.
  private func next(
    _ platform: RTXPlatform, _ conditions: [PlatformComponent: ComponentCondition]
  ) -> ReconcileResult {
    if conditions.values.contains(where: { $0.state == .stalled }) { return .requeue(after: .seconds(10)) }
    return platform.generatesCredentials ? .done : .requeue(after: .seconds(30))
  }

  private func builder(_ platform: RTXPlatform) -> PlatformStatusBuilder {
    PlatformStatusBuilder(platform: platform, now: .now)
  }

  private func write(_ status: RTXPlatformStatus, to platform: RTXPlatform) async throws {
    guard status != platform.status else { return }
    var changed = platform
    changed.status = status
    do {
      _ = try await client.replaceStatus(changed)
    } catch let error as KubernetesError where error.isNotFound {
      return
    }
    guard platform.spec.notifications.events else { return }
    for entry in ConditionEvents.between(platform.status, status) {
      await recorder.record(
        entry.type, regarding: platform, reason: entry.reason, message: entry.message, action: entry.action)
    }
  }

  private func delete(_ platform: RTXPlatform) async throws -> ReconcileResult {
    guard platform.hasFinalizer(PlatformConstants.finalizer) else { return .done }
    let deletion = PlatformDeletion(
      platform: platform, client: client, informers: informers,
      writer: ObjectWriter(platform: platform, informers: informers, applier: applier, logger: logger))
    if let waiting = try await deletion.proceed() {
      try await write(builder(platform).deleting(waiting), to: platform)
      return .requeue(after: .seconds(2))
    }
    if let uid = platform.metadata.uid { memory.forget(prefix: uid) }
    try await client.removeFinalizer(PlatformConstants.finalizer, from: platform)
    logger.info("platform deleted", metadata: ["platform": "\(platform.key)"])
    return .done
  }
}
