import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI
import RTXPlatformAPI

/// Whether a change is worth a reconcile. Patroni renews its lease every second and reports its position in the log with
/// every write; neither changes anything that the operator decides.
enum RelevantChange {
  static func of(_ change: StoreChange<Pod>) -> Bool {
    guard case .updated(let old, let new) = change else { return true }
    return old.status != new.status || old.metadata.labels != new.metadata.labels
      || old.metadata.deletionTimestamp != new.metadata.deletionTimestamp
      || PatroniMember(old) != PatroniMember(new)
  }

  /// Of the trading server's objects only: the other components' say nothing about a release.
  static func ofRelease(_ change: StoreChange<some KubernetesResource>) -> Bool {
    let object =
      switch change {
      case .added(let object), .deleted(let object), .updated(_, let object): object
      }
    return object.metadata.labels?["app.kubernetes.io/component"] == PlatformComponent.backend.rawValue
  }

  static func of(_ change: StoreChange<ConfigMap>) -> Bool {
    guard case .updated(let old, let new) = change else { return true }
    return decisive(old) != decisive(new)
  }

  /// The object without what changes all the time.
  private static func decisive(_ configMap: ConfigMap) -> ConfigMap {
    var configMap = configMap
    configMap.metadata.resourceVersion = nil
    for annotation in ["renewTime", "optime", "ttl", "slots", "retain_slots", "acquireTime", "history"] {
      configMap.metadata.annotations?[annotation] = nil
    }
    return configMap
  }
}
