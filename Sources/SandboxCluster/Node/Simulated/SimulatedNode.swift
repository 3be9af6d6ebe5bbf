import FoundationEssentials
public import KubernetesClient
import KubernetesModels
public import Logging
import OperatorRuntime
import Synchronization

/// A node on which nothing runs: its pods become Running and Ready after a moment, and those of Jobs succeed.
///
/// For tests of controllers at scale and for machines without podman. It says so wherever a user looks: on the node, in an event and an
/// annotation of every pod.
public final class SimulatedNode: SandboxNode {
  private let client: KubernetesClient
  private let configuration: NodeConfiguration
  private let delay: Duration
  private let logger: Logger
  private let pods: Informer<Pod>
  private let addresses: AddressPool
  private let events: PodEvents
  private let given = Mutex<[String: IPv4Address]>([:])

  /// What users are told.
  static let notice = "SIMULATED: this pod is shown as running, but no container was started"

  /// - Parameter delay: from binding to Ready.
  public init(
    client: KubernetesClient, configuration: NodeConfiguration = NodeConfiguration(name: "sandbox-simulated"),
    delay: Duration = .milliseconds(50), logger: Logger = Logger(label: "simulated-node")
  ) {
    self.client = client
    self.configuration = configuration
    self.delay = delay
    self.logger = logger
    pods = Informer(client: client, labelSelector: nil, fieldSelector: "spec.nodeName=\(configuration.name)")
    addresses = AddressPool(configuration.network.podNetwork, reserved: 10)
    events = PodEvents(client: client, node: configuration.name, logger: logger)
  }

  /// Looks after the node's pods until cancelled.
  public func run() async throws {
    let report = NodeReport(
      client: client, name: configuration.name, hostAddress: configuration.network.gateway.description,
      machine: MachineCapacity(cpus: 1000, memoryBytes: 4 << 40, diskBytes: 16 << 40), runtime: "simulated://1",
      isSimulated: true)
    let (changes, changed) = AsyncStream.makeStream(of: StoreChange<Pod>.self)
    pods.observe { changed.yield($0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [logger] in try await report.run(logger: logger) }
      group.addTask { [pods] in try await pods.run() }
      group.addTask { await self.follow(changes) }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func follow(_ changes: AsyncStream<StoreChange<Pod>>) async {
    await withDiscardingTaskGroup { group in
      for await change in changes {
        let pod = change.object
        switch change {
        case .deleted:
          let address = given.withLock { $0.removeValue(forKey: pod.metadata.uid ?? "") }
          if let address { addresses.giveBack(address) }
        case .added, .updated:
          if pod.metadata.deletionTimestamp != nil {
            group.addTask { await self.end(pod) }
          } else if pod.status?.podIP == nil {
            let uid = pod.metadata.uid ?? ""
            let isNew = given.withLock { given in
              guard given[uid] == nil, let address = addresses.take() else { return false }
              given[uid] = address
              return true
            }
            if isNew { group.addTask { await self.begin(pod) } }
          }
        }
      }
      group.cancelAll()
    }
  }

  private func begin(_ pod: Pod) async {
    do {
      try await Task.sleep(for: delay)
      try await mark(pod)
      try await report(
        pod, SimulatedPod.record(pod, address: given.withLock { $0[pod.metadata.uid ?? ""] }, now: Date()))
      await events.record(pod, isWarning: true, reason: "Simulated", message: Self.notice)
      try await SimulatedPatroni(client: client).announce(pod)
      guard SimulatedPod.runsToCompletion(pod) else { return }
      try await Task.sleep(for: delay)
      let record = SimulatedPod.completed(pod, address: given.withLock { $0[pod.metadata.uid ?? ""] }, now: Date())
      try await report(pod, record)
    } catch is CancellationError {
      return
    } catch let error as KubernetesError where error.isNotFound || error.isConflict {
      return
    } catch {
      logger.warning(
        "a simulated pod could not be reported", metadata: ["pod": "\(pod.metadata.name ?? "")", "error": "\(error)"])
    }
  }

  private func mark(_ pod: Pod) async throws {
    let patch: JSONValue = [
      "metadata": [
        "uid": .string(pod.metadata.uid ?? ""), "annotations": [NodeReport.simulatedLabel: "true"],
        "labels": [NodeReport.simulatedLabel: "true"],
      ]
    ]
    _ = try await client.patch(Pod.self, pod.metadata.name ?? "", in: pod.metadata.namespace, .merge(patch))
  }

  private func report(_ pod: Pod, _ record: PodRecord) async throws {
    var status = PodStatusReport(
      pod: pod, record: record, before: pod.status, hostAddress: configuration.network.gateway.description, now: Date()
    ).status()
    status.message = Self.notice
    let patch: JSONValue = [
      "metadata": ["uid": .string(pod.metadata.uid ?? "")], "status": try JSONValue(encoding: status),
    ]
    _ = try await client.patch(
      Pod.self, pod.metadata.name ?? "", in: pod.metadata.namespace, .merge(patch), subresource: "status")
  }

  private func end(_ pod: Pod) async {
    do {
      try await client.delete(
        Pod.self, pod.metadata.name ?? "", in: pod.metadata.namespace,
        options: DeleteOptions(gracePeriodSeconds: 0, uid: pod.metadata.uid))
    } catch let error as KubernetesError where error.isNotFound || error.isConflict {
      return
    } catch {
      logger.warning("a simulated pod could not be removed", metadata: ["error": "\(error)"])
    }
  }
}

/// What a simulated pod would look like if it ran. Pure.
enum SimulatedPod {
  /// Pods of Jobs have work to finish; others run on.
  static func runsToCompletion(_ pod: Pod) -> Bool {
    pod.restartPolicy != "Always" && (pod.metadata.ownerReferences ?? []).contains { $0.kind == "Job" }
  }

  static func record(_ pod: Pod, address: IPv4Address?, now: Date) -> PodRecord {
    var record = PodRecord()
    record.address = address
    record.startedAt = now
    if let address { record.surroundings = .ready(address) }
    for container in pod.spec?.initContainers ?? [] {
      record[container.name] = container.isSidecar ? running(container, now) : ended(container, now)
    }
    for container in pod.spec?.containers ?? [] { record[container.name] = running(container, now) }
    return record
  }

  static func completed(_ pod: Pod, address: IPv4Address?, now: Date) -> PodRecord {
    var record = record(pod, address: address, now: now)
    for container in pod.allContainers { record[container.name] = ended(container, now) }
    return record
  }

  private static func running(_ container: Container, _ now: Date) -> ContainerRecord {
    var record = ContainerRecord()
    record.stage = .running(.init(id: "simulated", pid: 0, startedAt: now))
    record.isStarted = true
    record.isReady = true
    return record
  }

  private static func ended(_ container: Container, _ now: Date) -> ContainerRecord {
    var record = ContainerRecord()
    record.stage = .exited(
      .init(
        id: "simulated", exitCode: 0, reason: "Completed", message: SimulatedNode.notice, startedAt: now,
        finishedAt: now))
    return record
  }
}
