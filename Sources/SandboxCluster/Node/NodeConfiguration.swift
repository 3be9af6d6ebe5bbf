/// How a node of the sandbox is set up.
public struct NodeConfiguration: Sendable {
  /// `metadata.name` of the Node.
  public var name: String
  public var network: NetworkConfiguration
  /// Everything that the node writes: volumes, logs, podman's socket. Removed by ``NodeRuntime/removeAll(instance:dataFolder:)``.
  public var dataFolder: String
  /// Whether images that are not in podman's store may be asked for at registries.
  public var isOffline: Bool
  /// Said to users whose image is missing, e.g. how to build it.
  public var imageRemedy: String
  /// `KUBERNETES_SERVICE_HOST` of every container is the cluster IP; this is its port.
  public var kubernetesServicePort = 443

  public init(
    name: String = "sandbox-podman", network: NetworkConfiguration = NetworkConfiguration(),
    dataFolder: String? = nil, isOffline: Bool = false,
    imageRemedy: String = "build it or load it with: podman load -i IMAGE.tar"
  ) {
    self.name = name
    self.network = network
    self.dataFolder = dataFolder ?? NodeRuntime.defaultDataFolder(instance: network.instance)
    self.isOffline = isOffline
    self.imageRemedy = imageRemedy
  }

  /// The label that all of the sandbox's containers have, as `key=value`.
  var containerLabel: String { NodeRuntime.containerLabel(instance: network.instance) }
}

/// What every kind of node does: it takes the pods that are bound to it and reports on them.
public protocol SandboxNode: Sendable {
  /// Runs until cancelled.
  func run() async throws
}
