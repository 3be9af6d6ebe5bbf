/// A part of the platform that has its own reconciler and its own condition.
public enum PlatformComponent: String, Sendable, CaseIterable {
  case namespace, configuration, network, postgres, redis, backup, backend

  /// The type of its condition in the platform's status.
  public var conditionType: ConditionType {
    switch self {
    case .namespace: .namespaceReady
    case .configuration: .configurationReady
    case .network: .networkReady
    case .postgres: .postgresReady
    case .redis: .redisReady
    case .backup: .backupReady
    case .backend: .backendReady
    }
  }

  /// Whether the platform cannot be Ready without it. A failed dump needs somebody's eyes but stops no trade.
  public var isNeededToServe: Bool { self != .backup }

  /// `app.kubernetes.io/name`: the program that runs there.
  var applicationName: String {
    switch self {
    case .backend: "rtx-server"
    case .postgres, .backup: "postgresql"
    case .redis: "redis"
    case .namespace, .configuration, .network: "rtx-platform"
    }
  }
}
