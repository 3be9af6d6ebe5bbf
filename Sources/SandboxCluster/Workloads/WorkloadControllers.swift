public import KubernetesClient
import KubernetesModels
public import Logging
import OperatorRuntime

/// What the workload controllers have to know of the machine that they run on.
public struct WorkloadConfiguration: Sendable {
  /// The folder under which each claim gets a folder of its own.
  public var volumeRoot: String
  /// The cluster's CA in PEM, for the ConfigMap `kube-root-ca.crt` of each namespace; nil leaves that to the API server.
  public var rootCertificate: String?

  public init(volumeRoot: String, rootCertificate: String? = nil) {
    self.volumeRoot = volumeRoot
    self.rootCertificate = rootCertificate
  }
}

/// The controllers that a cluster's control plane runs: workloads, endpoints, volumes, namespaces, garbage
/// collection and the scheduler. They know the API server only through a client, like any operator.
public struct WorkloadControllers: Sendable {
  private let context: WorkloadContext
  private let dynamicInformers: [DynamicInformer]
  private let controllers: [Controller]
  private let collector: GarbageCollector

  /// Runs until the task is cancelled.
  public func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      for informer in context.informers { group.addTask { try await informer.run() } }
      for informer in dynamicInformers { group.addTask { try await informer.run() } }
      for controller in controllers { group.addTask { try await controller.run() } }
      group.addTask { [collector] in try await collector.run() }
      try await group.next()
    }
  }

  init(client: KubernetesClient, logger: Logger, configuration: WorkloadConfiguration) {
    let context = WorkloadContext(client: client, logger: logger, configuration: configuration)
    let volumes = DynamicInformer(client: client, type: VolumePlan.volumeType, logger: logger)
    let classes = DynamicInformer(client: client, type: VolumePlan.classType, logger: logger)
    let nodes = DynamicInformer(client: client, type: SchedulerReconciler.nodeType, logger: logger)
    self.context = context
    dynamicInformers = [volumes, classes, nodes]
    collector = GarbageCollector(client: client, logger: logger)
    controllers =
      Self.workloads(context) + [
        Self.endpoints(context), Self.namespaces(context), Self.claims(context, volumes, classes),
        Self.volumes(context, volumes), Self.budgets(context), Self.autoscalers(context),
        Self.scheduler(context, nodes),
      ]
  }
}

/// The control plane's controllers, ready to run.
/// - Parameter client: May do everything in the cluster.
public func workloadControllers(
  client: KubernetesClient, logger: Logger = Logger(label: "controllers"), configuration: WorkloadConfiguration
) -> WorkloadControllers {
  WorkloadControllers(client: client, logger: logger, configuration: configuration)
}
