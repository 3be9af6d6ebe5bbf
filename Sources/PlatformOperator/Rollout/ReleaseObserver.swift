import KubernetesClient
import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Reads everything that decides about a release.
struct ReleaseObserver: Sendable {
  let platform: RTXPlatform
  let checksum: String
  let client: KubernetesClient
  let informers: PlatformInformers
  let access: any TradingServerAccess
  let memory: ReleaseMemory

  /// How long a trading server may take to tell its figures.
  private static let figuresTimeout = Duration.seconds(2)
  /// Prometheus knows nothing newer than its last scrape.
  private static let prometheusInterval = Duration.seconds(5)

  func observe(_ release: Release, _ scene: ReleaseScene, now: Timestamp) async throws -> ReleaseObservation {
    var seen = ReleaseObservation(
      target: ColourObjects(platform: platform, checksum: checksum).revision, image: platform.spec.backend.image,
      live: scene.live, isSettled: scene.isSettled, colours: scene.colours)
    seen.wish = ReleaseWish(platform)
    let windows = platform.spec.rollout.windows ?? []
    seen.isFrozen = FreezeWindow.forbid(windows, at: now)
    switch release.step {
    case .idle where seen.target != release.stableRevision:
      seen.obstacle = FreezeWindow.obstacle(windows)
      if seen.obstacle == nil {
        seen.obstacle = try await ResourceQuotas(platform: platform, client: client).obstacle(
          toRunning: scene.matchingReplicas)
      }
    case .preparing:
      seen.backup = release.needsBackup(platform) ? task(.backup, release) : .succeeded
      seen.expand = task(.expand, release)
    case .testing: seen.smokeTests = smokeTests(release)
    // Somebody's word decides, and does not wait for what busy servers tell.
    case .watching where seen.wish?.verb == .rollback && seen.wish?.revision == release.revision: break
    case .watching: seen.verdict = try await unlessSomebodySpeaks { try await verdict(release, scene) }
    case .retiring: seen.contract = task(.contract, release)
    default: break
    }
    return seen
  }

  private func task(_ task: ReleaseTask, _ release: Release) -> TaskState {
    let name = ReleaseJobs(platform: platform, checksum: checksum, attempt: release.attempt).name(task)
    let state = TaskState(informers.jobs.get(name, in: platform.namespace))
    guard state == .running else { return state }
    // An image that cannot be had would use up the Job's whole time.
    let pods = informers.pods.list { $0.metadata.namespace == platform.namespace && $0.controllingOwner?.name == name }
    return PodState.failure(in: pods).map(TaskState.failed) ?? state
  }

  /// The requests first, then the user's own container.
  private func smokeTests(_ release: Release) -> TaskState {
    let requests = memory.smokeTests(platform.key, release.stay(of: platform))
    guard requests == .succeeded, platform.spec.rollout.smokeTestContainer != nil else { return requests }
    return task(.smokeTests, release)
  }

  // MARK: The watch

  /// Somebody annotated the platform while its trading servers were asked.
  struct Interrupted: Error {}

  /// Busy servers may take seconds to tell their figures; a rollback that somebody asks for meanwhile does not wait for them.
  /// - Throws: ``Interrupted``.
  private func unlessSomebodySpeaks(
    _ ask: @escaping @Sendable () async throws -> WatchVerdict
  ) async throws -> WatchVerdict {
    try await withThrowingTaskGroup(of: WatchVerdict?.self) { group in
      defer { group.cancelAll() }
      group.addTask { try await ask() }
      group.addTask {
        while !isAnnotatedAnew { try await Task.sleep(for: .milliseconds(50)) }
        return nil
      }
      guard let first = try await group.next(), let verdict = first else { throw Interrupted() }
      return verdict
    }
  }

  private var isAnnotatedAnew: Bool {
    let name = PlatformConstants.releaseAnnotation
    // The informer may be behind what was read for this reconcile.
    guard informers.platforms.hasSeen(resourceVersion: platform.metadata.resourceVersion ?? ""),
      let shown = informers.platforms.get(platform.key)
    else { return false }
    return shown.metadata.annotations?[name] != platform.metadata.annotations?[name]
  }

  private func verdict(_ release: Release, _ scene: ReleaseScene) async throws -> WatchVerdict {
    guard let candidate = release.candidate else { return .unknown("there is no new version") }
    if platform.spec.rollout.watchSeconds == 0 { return .healthy }
    let pods = scene.pods[candidate] ?? []
    let (restarts, reason) = PodState.restarts(in: pods, since: release.since)
    let (wanted, ready) = (scene.deployments[candidate]?.spec?.replicas ?? 0, pods.filter(PodState.isReady).count)
    if ready * 2 < wanted { return .failed("only \(ready) of \(wanted) trading servers are ready") }
    async let old = figures(release.stable.flatMap { scene.pods[$0] } ?? [])
    let new = try await figures(pods)
    let analysis = WatchAnalysis(
      thresholds: WatchThresholds(platform.spec.rollout.thresholds), baseline: try await old ?? RequestFigures())
    // Without any figures restarts still tell.
    let verdict = analysis.verdict(new ?? RequestFigures(), restarts: restarts)
    switch verdict {
    case .failed(let text): return .failed(restarts > 0 ? "\(text) (\(reason ?? ""))" : text)
    case .unknown: return verdict
    case .healthy:
      let asked = try await prometheus(release, candidate)
      return asked == .healthy && new == nil ? .unknown("no pod tells its figures at /metrics") : asked
    }
  }

  private func prometheus(_ release: Release, _ candidate: Colour) async throws -> WatchVerdict {
    guard let spec = platform.spec.rollout.prometheus else { return .healthy }
    let stay = release.stay(of: platform)
    if let known = memory.prometheus(platform.key, stay, within: Self.prometheusInterval) { return known }
    var token: String?
    if let name = spec.tokenSecretName {
      let secret = try await client.getIfPresent(Secret.self, name, in: platform.namespace)
      token = secret?.data?["token"].flatMap(SecretData.decode)
      if token == nil {
        return .unknown("Secret \(name) with the key token, of spec.rollout.prometheus.tokenSecretName, is missing")
      }
    }
    let verdict = try await PrometheusWatch(
      spec: spec,
      placeholders: [
        "colour": candidate.rawValue, "revision": release.revision ?? "", "namespace": platform.namespace,
      ], token: token, access: access
    ).verdict()
    memory.record(prometheus: verdict, platform.key, stay)
    return verdict
  }

  /// Of all ready pods together since their start: the new colour's began with the tests, a moment before the switch, and
  /// the old one's say what is usual. Nil when none tells.
  private func figures(_ pods: [Pod]) async throws -> RequestFigures? {
    let addresses = pods.filter(PodState.isReady).compactMap(\.status?.podIP)
    return try await withThrowingTaskGroup(of: RequestFigures?.self) { group in
      for address in addresses {
        group.addTask {
          let url = "http://\(URLHost.text(address)):\(platform.spec.backend.port)/metrics"
          do {
            let answer = try await access.send("GET", url, timeout: Self.figuresTimeout)
            return answer.status == 200 ? RequestFigures(metrics: answer.body) : nil
          } catch let error as CancellationError {
            throw error
          } catch {
            return nil
          }
        }
      }
      var sum: RequestFigures?
      for try await figures in group { if let figures { sum = (sum ?? RequestFigures()) + figures } }
      return sum
    }
  }
}

extension Release {
  /// A first release has nothing to save.
  func needsBackup(_ platform: RTXPlatform) -> Bool {
    stable != nil && platform.spec.rollout.backup && platform.spec.backup.enabled
  }

  func stay(of platform: RTXPlatform) -> ReleaseMemory.Stay {
    ReleaseMemory.Stay(
      platform: platform.metadata.uid ?? "", attempt: attempt, since: since.secondsSinceEpoch)
  }
}

/// An address as it stands in a URL.
enum URLHost {
  static func text(_ address: String) -> String { address.contains(":") ? "[\(address)]" : address }
}
