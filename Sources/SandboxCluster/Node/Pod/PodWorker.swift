import FoundationEssentials
import KubernetesClient
import KubernetesModels
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Looks after one pod from its binding to its end: asks ``PodPlan`` what to do, does it, and reports the status.
actor PodWorker {
  let services: PodServices
  private(set) var pod: Pod
  private(set) var record = PodRecord()
  /// The object is no longer in the API server.
  private var isGone = false
  private var isFinished = false
  private var isRefreshing = false
  private var published: PodStatus?
  private var link: HostNetwork.Link?
  private var mounted = PodVolumes.Mounted()
  private let (wakeUps, wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

  init(pod: Pod, services: PodServices) {
    self.pod = pod
    self.services = services
  }

  // MARK: News from outside

  func update(_ pod: Pod) {
    self.pod = pod
    wake()
  }

  /// The object has gone, by our hand or by force: what still runs is killed.
  func gone() {
    isGone = true
    for container in record.containers.values { if let run = container.run { _ = kill(run.pid, SIGKILL) } }
    wake()
  }

  /// A ConfigMap or Secret has changed; volumes made of it are written again.
  func configurationChanged() {
    guard case .ready = record.surroundings, !isRefreshing else { return }
    guard (pod.spec?.volumes ?? []).contains(where: { PodVolumes.followsObjects($0) }) else { return }
    isRefreshing = true
    wake()
  }

  /// Whether volumes or variables of the pod come from this object.
  func refers(toConfigMap name: String) -> Bool { PodReferences.configMaps(pod).contains(name) }
  func refers(toSecret name: String) -> Bool { PodReferences.secrets(pod).contains(name) }

  private func wake() { wakeUp.yield() }

  // MARK: The loop

  /// Returns when nothing of the pod is left, or when cancelled; then everything stays as it is.
  func run() async {
    record.startedAt = pod.status?.startTime?.date ?? Date()
    await withDiscardingTaskGroup { group in
      var news = wakeUps.makeAsyncIterator()
      while !isFinished, !Task.isCancelled {
        judge()
        let plan = PodPlan.decide(pod: pod, record: record, isGone: isGone, now: Date())
        for action in plan.actions { begin(action, &group) }
        if isRefreshing || (mounted.renewAt ?? .distantFuture) <= Date() {
          mounted.renewAt = nil
          group.addTask { await self.refreshVolumes() }
        }
        let isPublished = await publish()
        let retry = isPublished ? nil : Date().addingTimeInterval(1)
        let next = [plan.wakeAt, mounted.renewAt, retry].compactMap { $0 }.min()
        let timer = next.map { time in
          Task {
            try await Task.sleep(for: .seconds(max(0.01, time.timeIntervalSinceNow)))
            self.wake()
          }
        }
        if !isFinished { _ = await news.next() }
        timer?.cancel()
      }
      group.cancelAll()
    }
  }

  private func judge() {
    guard record.verdict == nil, let seconds = pod.spec?.activeDeadlineSeconds, let startedAt = record.startedAt,
      !PodPhase.of(pod, record).isFinal, Date() >= startedAt.addingTimeInterval(Double(seconds))
    else { return }
    record.verdict = .init(
      reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline")
  }

  private func begin(_ action: PodAction, _ group: inout DiscardingTaskGroup) {
    switch action {
    case .prepare:
      record.surroundings = .preparing
      group.addTask { await self.prepare() }
    case .start(let name):
      record[name].restarting()
      group.addTask { await self.runContainer(name) }
    case .stop(let name, let grace, let message):
      record[name].isStopping = true
      group.addTask { await self.stop(name, graceSeconds: grace, message: message) }
    case .tearDown:
      record.surroundings = .removing
      group.addTask { await self.tearDown() }
    case .removeObject:
      record.surroundings = .removing
      group.addTask { await self.removeObject() }
    }
  }

  /// - Returns: false when the server has to be asked again.
  private func publish() async -> Bool {
    guard !isGone, !isFinished else { return true }
    let status = PodStatusReport(
      pod: pod, record: record, before: published ?? pod.status, hostAddress: services.hostAddress, now: Date()
    ).status()
    guard status != published else { return true }
    do {
      let patch: JSONValue = [
        "metadata": ["uid": .string(pod.metadata.uid ?? "")],
        "status": PodStatusReport.patch(try JSONValue(encoding: status)),
      ]
      _ = try await services.client.patch(
        Pod.self, pod.metadata.name ?? "", in: pod.metadata.namespace, .merge(patch), subresource: "status")
      published = status
      return true
    } catch let error as KubernetesError where error.isNotFound || error.isConflict {
      // Deleted, or another pod has the name; the informer will say so.
      return true
    } catch {
      services.logger.warning(
        "a pod's status could not be written; trying again", metadata: ["pod": "\(name)", "error": "\(error)"])
      return false
    }
  }

  private var name: String { "\(pod.metadata.namespace ?? "")/\(pod.metadata.name ?? "")" }

  // MARK: Surroundings

  private func prepare() async {
    defer { wake() }
    do {
      let pod = pod
      if pod.spec?.hostNetwork == true {
        record.address = services.configuration.network.gateway
      } else if link == nil {
        guard let address = services.addresses.take() else {
          throw VolumeError("no address is left in the pod network")
        }
        do {
          link = try await services.network.attach(id: StableHash.hex(pod.metadata.uid ?? ""), address: address)
          record.address = address
        } catch {
          services.addresses.giveBack(address)
          throw error
        }
      }
      guard let address = record.address else { throw VolumeError("the pod has no address") }
      mounted = try await services.volumes(pod, address: address).prepare(pod)
      try PodFiles(pod: pod, address: address, configuration: services.configuration.network)
        .write(to: services.folder(pod))
      record.surroundings = .ready(address)
    } catch is CancellationError {
      return
    } catch {
      let isVolume = error is VolumeError
      record.surroundings = .failed(message: "\(error)", until: Date().addingTimeInterval(1))
      await services.events.record(
        pod, isWarning: true, reason: isVolume ? "FailedMount" : "FailedCreatePodSandBox", message: "\(error)")
    }
  }

  private func refreshVolumes() async {
    isRefreshing = false
    defer { wake() }
    do {
      let fresh = try await services.volumes(pod, address: record.address).refresh(pod)
      mounted.renewAt = fresh.renewAt
    } catch {
      // The old files stay, as a deleted ConfigMap leaves a running pod alone; tokens are asked for again.
      mounted.renewAt = Date().addingTimeInterval(10)
    }
  }

  private func tearDown() async {
    for container in record.containers.values {
      if let id = container.exit?.id { try? await services.podman.remove(id) }
    }
    if let link {
      await services.network.detach(link)
      services.addresses.giveBack(link.address)
    }
    link = nil
    mounted.renewAt = nil
    await PodVolumes.remove(services.folder(pod))
    record.surroundings = .removed
    wake()
  }

  private func removeObject() async {
    defer { wake() }
    if !isGone {
      do {
        try await services.client.delete(
          Pod.self, pod.metadata.name ?? "", in: pod.metadata.namespace,
          options: DeleteOptions(gracePeriodSeconds: 0, uid: pod.metadata.uid))
      } catch let error as KubernetesError where error.isNotFound || error.isConflict {
        // It is gone already, or its name belongs to another pod now.
      } catch {
        services.logger.warning(
          "a pod could not be removed; trying again", metadata: ["pod": "\(name)", "error": "\(error)"])
        try? await Task.sleep(for: .seconds(1))
        record.surroundings = .removed
        return
      }
    }
    await PodVolumes.remove(services.folder(pod))
    try? FileManager.default.removeItem(atPath: "\(services.configuration.dataFolder)/logs/\(pod.metadata.uid ?? "")")
    isFinished = true
  }

  // MARK: For containers

  var volumePaths: [String: String] { mounted.paths }
  var networkPath: String? { link?.namespacePath }

  /// Changes what is known of a container, and looks at the pod again.
  func change(_ container: String, _ change: (inout ContainerRecord) -> Void) {
    change(&record[container])
    wake()
  }
}
