import KubernetesClient
import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Runs PostgreSQL under Patroni, unless others run one.
struct PostgresReconciler: ComponentReconciler {
  let component = PlatformComponent.postgres

  func reconcile(_ context: PlatformContext) async throws -> ComponentReport {
    let platform = context.platform
    let address = platform.postgresAddress
    let endpoint = "\(address.host):\(address.port)"
    guard platform.spec.postgres.external == nil else {
      try await context.writer.reconcile(.postgres, [])
      return ComponentReport(condition: .available("others run it at \(endpoint)", .external)) { status in
        status.postgres = nil
        status.endpoints = status.endpoints ?? EndpointsStatus()
        status.endpoints?.postgres = endpoint
        status.endpoints?.postgresReadOnly = nil
      }
    }
    let statefulSet = context.informers.statefulSets.get(platform.objectName(.postgres), in: platform.namespace)
    var objects = PostgresObjects(platform: platform, observed: statefulSet)
    objects.serviceAccountUID = try await context.writer.ensure(objects.serviceAccount).metadata.uid
    try await growClaims(context, objects)
    try await context.writer.reconcile(.postgres, objects.objects)
    try await setDynamicConfiguration(context)

    let observation = Self.observe(context.informers, platform, statefulSet)
    return ComponentReport(condition: observation.condition) { status in
      status.postgres = observation.status
      status.endpoints = status.endpoints ?? EndpointsStatus()
      status.endpoints?.postgres = endpoint
      status.endpoints?.postgresReadOnly = "\(platform.serviceHost(.postgres, "ro")):\(PlatformPort.postgres)"
    }
  }

  static func observe(
    _ informers: PlatformInformers, _ platform: RTXPlatform, _ statefulSet: StatefulSet? = nil
  ) -> PostgresObservation {
    func record(_ record: PatroniRecord) -> ConfigMap? {
      informers.configMaps.get(record.name(platform), in: platform.namespace)
    }
    return PostgresObservation(
      platform: platform, statefulSet: statefulSet, pods: informers.pods(platform, .postgres),
      leader: record(.leader).map(PatroniLeader.init), synchronous: PatroniSynchronousState(record(.sync)))
  }

  /// Claim templates cannot change, so claims that are there grow one by one.
  private func growClaims(_ context: PlatformContext, _ objects: PostgresObjects) async throws {
    let (platform, spec) = (context.platform, context.platform.spec.postgres)
    for ordinal in 0..<spec.instances {
      let name = objects.claimName(ordinal)
      guard let claim = context.informers.claims.get(name, in: platform.namespace) else { continue }
      do throws(SpecProblem) {
        try ClaimGrowth.check(claim, wanted: spec.storage.size, path: "spec.postgres.storage.size")
      } catch {
        throw ReconcileError.stalled(reason: ConditionReason.invalidSpec.rawValue, message: error.description)
      }
      guard ClaimGrowth.isNeeded(claim, wanted: spec.storage.size), !context.writer.isPaused else { continue }
      let size: JSONValue = ["spec": ["resources": ["requests": ["storage": .string(spec.storage.size)]]]]
      _ = try await context.client.patch(PersistentVolumeClaim.self, name, in: platform.namespace, .merge(size))
    }
  }

  /// Patroni wrote its settings when it made the database; from then on changes go into its store, and it takes them
  /// without a restart where PostgreSQL can.
  private func setDynamicConfiguration(_ context: PlatformContext) async throws {
    let platform = context.platform
    let name = PatroniRecord.config.name(platform)
    guard !context.writer.isPaused, let record = context.informers.configMaps.get(name, in: platform.namespace),
      let text = record.metadata.annotations?["config"], let present = try? JSONValue(parsing: text)
    else { return }
    let desired = PatroniConfiguration(platform: platform).dynamic
    let merged = DynamicSettings.merged(desired, into: present)
    guard merged != present else { return }
    let patch: JSONValue = [
      "metadata": [
        "resourceVersion": record.metadata.resourceVersion.map { .string($0) } ?? .null,
        "annotations": ["config": .string(merged.serializedString())],
      ]
    ]
    _ = try await context.client.patch(ConfigMap.self, name, in: platform.namespace, .merge(patch))
  }
}

/// Patroni's settings in its store: ours replace what is there, others' stay; PostgreSQL's parameters are all ours.
enum DynamicSettings {
  static func merged(_ desired: JSONValue, into present: JSONValue) -> JSONValue {
    guard let wanted = desired.objectValue, var result = present.objectValue else { return desired }
    for (key, value) in wanted {
      result[key] = key == "parameters" ? value : result[key].map { merged(value, into: $0) } ?? value
    }
    return .object(result)
  }
}
