// What follows from the spec, said once.
extension RTXPlatform {
  /// Whether there is an Ingress: asked for, or a host was given and it was not refused.
  public var hasIngress: Bool {
    spec.network.ingress.enabled ?? (spec.network.ingress.host != nil)
  }

  /// The Secret with the trading server's credentials: the user's, or the generated one.
  public var credentialsSecretName: String {
    spec.security.credentialsSecretName ?? objectName(.backend, "secrets")
  }

  /// Whether the operator makes the credentials.
  public var generatesCredentials: Bool { spec.security.credentialsSecretName == nil }

  /// Host name of one of the platform's Services inside the cluster. With the namespace, so that it also serves from
  /// other namespaces; without the cluster's domain, which nobody can know.
  public func serviceHost(_ component: PlatformComponent, _ part: String? = nil) -> String {
    "\(objectName(component, part)).\(namespace).svc"
  }

  /// Where PostgreSQL takes writes.
  public var postgresAddress: (host: String, port: Int) {
    if let external = spec.postgres.external { return (external.host, Int(external.port)) }
    return (serviceHost(.postgres, "rw"), PlatformPort.postgres)
  }

  /// Where Redis is.
  public var redisAddress: (host: String, port: Int) {
    if let external = spec.redis.external { return (external.host, Int(external.port)) }
    return (serviceHost(.redis), PlatformPort.redis)
  }
}

/// Ports inside the platform.
public enum PlatformPort {
  public static let postgres = 5432
  /// Patroni's REST API: probes, and members asking each other.
  public static let patroni = 8008
  public static let redis = 6379
  /// The trading server's Service.
  public static let service = 80
}
