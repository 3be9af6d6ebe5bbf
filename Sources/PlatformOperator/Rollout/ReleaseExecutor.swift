import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import RTXPlatformAPI

/// Makes the cluster as a plan says. Every part can be repeated, and what fails is done by the next reconcile.
struct ReleaseExecutor: Sendable {
  let platform: RTXPlatform
  let checksum: String
  let scene: ReleaseScene
  let client: KubernetesClient
  let informers: PlatformInformers
  let writer: ObjectWriter
  let access: any TradingServerAccess
  let memory: ReleaseMemory
  let logger: Logger

  /// The old colour is told again as long as it has to stay empty; a server ceases by itself after ``drainSeconds``.
  private static let drainInterval = Duration.seconds(8)
  private static let drainSeconds = 20

  private var objects: ColourObjects { ColourObjects(platform: platform, checksum: checksum) }

  func carryOut(_ plan: ReleasePlan, _ release: Release) async throws {
    // At the same time: requests must not wait for servers that are busy, and a WebSocket that comes too early comes again.
    async let welcomed: Void = welcome(plan.welcome)
    // First what takes requests, then what nobody needs any more.
    try await expose(plan.select ?? scene.liveColour)
    _ = await welcomed
    for colour in Colour.allCases {
      switch plan.sizes[colour] {
      case .gone?: try await remove(colour)
      case .wanted?: try await run(colour, wanted(colour), makes: plan.fromSpec.contains(colour))
      case .matching?: try await run(colour, scene.matchingReplicas, makes: plan.fromSpec.contains(colour))
      case nil: break
      }
    }
    if let preview = plan.preview, preview != .plain { try await writer.ensure(objects.preview(of: preview)) }
    for task in ReleaseTask.allCases where plan.tasks.contains(task) { try await start(task, release) }
    if let colour = plan.drain, memory.isTimeToDrain(platform.key, every: Self.drainInterval) {
      await ask(colour, toDrainFor: Self.drainSeconds)
    }
  }

  // MARK: Requests

  /// Also mends a Service that somebody edited, and moves the autoscaler with the requests.
  private func expose(_ colour: Colour?) async throws {
    guard let colour, let selector = scene.selector(of: colour) else { return }
    try await writer.ensure(objects.service(selecting: selector))
    let name = platform.deploymentName(colour)
    if platform.spec.backend.autoscaling.enabled {
      try await writer.ensure(objects.backend.autoscaler(of: name))
    } else if let autoscaler = informers.autoscalers.get(platform.objectName(.backend), in: platform.namespace),
      autoscaler.isControlled(by: platform)
    {
      try await writer.delete(autoscaler)
    }
  }

  // MARK: Pods

  /// - Parameter makes: Whether the pods are to be as the spec says; otherwise they stay what they are.
  private func run(_ colour: Colour, _ count: Int, makes: Bool) async throws {
    var deployment = scene.deployments[colour].flatMap { $0.isBeingDeleted ? nil : $0 }
    if makes, colour != .plain {
      try await writer.ensure(objects.configMap(colour))
      deployment = try await writer.ensure(objects.deployment(colour))
    }
    guard let deployment else { return }
    if let selector = scene.selector(of: colour), platform.spec.backend.disruptionBudget.enabled {
      try await writer.ensure(objects.disruptionBudget(colour, selector))
    }
    if deployment.spec?.replicas != count { try await scale(deployment, to: count) }
  }

  /// The autoscaler's number is left alone where it rules.
  private func wanted(_ colour: Colour) -> Int {
    guard platform.spec.backend.autoscaling.enabled else { return platform.spec.backend.replicas }
    guard colour == scene.liveColour else { return scene.matchingReplicas }
    return scene.deployments[colour]?.spec?.replicas ?? scene.wantedReplicas
  }

  /// With a field manager of its own: an autoscaler may take the field over, and no apply of the rest takes it away.
  private func scale(_ deployment: Deployment, to count: Int) async throws {
    guard !writer.isPaused, let name = deployment.metadata.name else { return }
    let share: JSONValue = [
      "apiVersion": "apps/v1", "kind": "Deployment",
      "metadata": ["name": .string(name), "namespace": .string(platform.namespace)],
      "spec": ["replicas": .integer(Int64(count))],
    ]
    _ = try await client.apply(
      Deployment.resourceType, DynamicObject(share), fieldManager: ReplicaOwnership.keeper, force: true)
    logger.info("scaled", metadata: ["object": "Deployment \(name)", "replicas": "\(count)"])
  }

  func remove(_ colour: Colour) async throws {
    guard !writer.isPaused else { return }
    if let deployment = scene.deployments[colour], !deployment.isBeingDeleted { try await writer.delete(deployment) }
    let (name, namespace) = (platform.deploymentName(colour), platform.namespace)
    if let budget = informers.disruptionBudgets.get(name, in: namespace), budget.isControlled(by: platform) {
      try await writer.delete(budget)
    }
    // Pods that are stopping read it no more.
    if colour != .plain, let map = informers.configMaps.get(name, in: namespace), map.isControlled(by: platform) {
      try await writer.delete(map)
    }
  }

  // MARK: Tasks

  private func start(_ task: ReleaseTask, _ release: Release) async throws {
    switch task {
    case .watch: return
    case .smokeTests:
      if memory.smokeTests(platform.key, release.stay(of: platform)) == .succeeded {
        return try await startJob(task, release)
      }
      try await test(release)
    case .contract:
      let deployment = release.stable.flatMap { scene.deployments[$0] }
      let image = deployment?.spec?.template.spec?.containers.first { $0.name == "backend" }?.image
      try await startJob(task, release, image: image)
    case .backup: if release.needsBackup(platform) { try await startJob(task, release) }
    case .expand: try await startJob(task, release)
    }
  }

  private func startJob(_ task: ReleaseTask, _ release: Release, image: String? = nil) async throws {
    let jobs = ReleaseJobs(
      platform: platform, checksum: checksum, attempt: release.attempt, isFirst: release.stable == nil)
    guard !writer.isPaused, let job = jobs.job(task, image: image),
      informers.jobs.get(job.key) == nil
    else { return }
    do {
      _ = try await client.create(job)
      logger.info("started", metadata: ["object": "\(ObjectWriter.identity(job))"])
    } catch let error as KubernetesError where error.isAlreadyExists {
      // The informer lags, or an operator before this one was killed after the write.
    } catch let error as KubernetesError where error.isInvalid {
      throw ReconcileError.stalled(
        reason: ConditionReason.refused.rawValue, message: "\(ObjectWriter.identity(job)): \(error)")
    }
  }

  private func test(_ release: Release) async throws {
    let service = informers.services.get(platform.objectName(.backend, "preview"), in: platform.namespace)
    guard let address = service?.spec?.clusterIP, address != "None" else { return }
    let tests = SmokeTests(tests: platform.spec.rollout.smokeTests, access: access)
    let failure = try await tests.failure(at: "http://\(URLHost.text(address)):\(PlatformPort.service)")
    memory.record(
      smokeTests: failure.map(TaskState.failed) ?? .succeeded, platform.key, release.stay(of: platform))
  }

  // MARK: Connections

  /// Clients with an open connection stay with a colour until they are sent away. One that cannot be told is left to the
  /// end of its pod, which closes in the same way.
  ///
  /// - Parameter seconds: 0 ends it.
  private func ask(_ colour: Colour, toDrainFor seconds: Int) async {
    guard !writer.isPaused else { return }
    let secret = informers.secrets.get(platform.credentialsSecretName, in: platform.namespace)
    let supplied = secret == nil ? try? await userSecret() : secret
    guard let key = supplied?.data?[CredentialKey.jwtSecret.rawValue].flatMap(SecretData.decode),
      let token = try? AdministratorToken.make(secret: key)
    else { return }
    await withTaskGroup(of: Void.self) { group in
      for pod in scene.pods[colour] ?? [] where PodState.isReady(pod) {
        guard let address = pod.status?.podIP else { continue }
        let url =
          "http://\(URLHost.text(address)):\(platform.spec.backend.port)/admin/drain?seconds=\(seconds)"
        group.addTask {
          do {
            let answer = try await access.send(
              "POST", url, headers: ["authorization": "Bearer \(token)"], body: nil, timeout: .seconds(2))
            if answer.status >= 300 {
              logger.warning("not drained", metadata: ["pod": "\(address)", "status": "\(answer.status)"])
            }
          } catch {
            logger.warning("not drained", metadata: ["pod": "\(address)", "error": "\(error)"])
          }
        }
      }
    }
  }

  private func welcome(_ colour: Colour?) async {
    if let colour { await ask(colour, toDrainFor: 0) }
  }

  private func userSecret() async throws -> Secret? {
    try await client.getIfPresent(Secret.self, platform.credentialsSecretName, in: platform.namespace)
  }
}
