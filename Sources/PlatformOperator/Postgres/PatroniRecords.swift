import KubernetesModels
import RTXPlatformAPI

/// What Patroni writes about one member into its pod's annotation `status`.
struct PatroniMember: Equatable {
  var name: String
  /// `primary` or `replica`, from the label that the Services select by; nil before Patroni set it.
  var role: String?
  /// `running`, `streaming`, `starting`, …
  var state: String?
  var timeline: Int?
  var isReady: Bool
  var needsRestart: Bool

  init(_ pod: Pod) {
    let annotation = pod.metadata.annotations?["status"]
    let status = annotation.flatMap { try? JSONValue(parsing: $0) } ?? .null
    name = pod.metadata.name ?? ""
    role = pod.metadata.labels?[PlatformConstants.roleLabel]
    state = status["replication_state"]?.stringValue ?? status["state"]?.stringValue
    timeline = status["timeline"]?.intValue
    isReady = PodState.isReady(pod)
    needsRestart = status["pending_restart"]?.boolValue ?? false
  }

  /// Whether it receives what the primary writes.
  var isStreaming: Bool { role == "replica" && (state == "streaming" || state == "running") }
}

/// Patroni's lease, in the annotations of `<scope>-leader`.
struct PatroniLeader: Equatable {
  /// Nil when nobody holds it.
  var holder: String?
  /// When the holder last renewed it.
  var renewed: MicroTime?
  var resourceVersion: String?

  init(_ configMap: ConfigMap) {
    let annotations = configMap.metadata.annotations ?? [:]
    holder = annotations["leader"].flatMap { $0.isEmpty ? nil : $0 }
    renewed = annotations["renewTime"].flatMap { MicroTime($0) }
    resourceVersion = configMap.metadata.resourceVersion
  }
}

/// Which members every commit waits for, in the annotations of `<scope>-sync`.
struct PatroniSynchronousState: Equatable {
  var leader: String?
  var standbys: [String]

  init(_ configMap: ConfigMap?) {
    let annotations = configMap?.metadata.annotations ?? [:]
    leader = annotations["leader"].flatMap { $0.isEmpty ? nil : $0 }
    standbys = (annotations["sync_standby"] ?? "").split(separator: ",").map { name in
      String(name.drop { $0 == " " })
    }.sorted()
  }
}

/// The names of Patroni's ConfigMaps.
enum PatroniRecord: String, CaseIterable {
  case leader, config, sync, failover, failsafe

  func name(_ platform: RTXPlatform) -> String { "\(platform.postgresScope)-\(rawValue)" }
}
