import KubernetesModels

/// The checks that the schema's own rules cannot make. The same input gives the same list, in the spec's order.
public enum PlatformValidation {
  /// - Parameter others: All platforms of the cluster that the operator sees; `platform` itself may be among them.
  public static func problems(of platform: RTXPlatform, among others: [RTXPlatform] = []) -> [SpecProblem] {
    backend(platform) + postgres(platform) + pods(platform) + backup(platform) + network(platform, others)
      + credentials(platform)
  }

  private static func backend(_ platform: RTXPlatform) -> [SpecProblem] {
    var problems: [SpecProblem] = []
    let own = Set(PlatformConfigurationKey.allCases.map(\.rawValue)).union(CredentialKey.allCases.map(\.rawValue))
    for key in (platform.spec.backend.extraConfig ?? [:]).keys.sorted() {
      let path = "spec.backend.extraConfig.\(key)"
      if own.contains(key) {
        problems.append(SpecProblem(path, "is set by the platform itself", remedy: "remove it"))
      } else if !isEnvironmentName(key) {
        problems.append(
          SpecProblem(
            path, "is no environment variable name",
            remedy: "use letters, digits and '_', and do not begin with a digit"))
      }
    }
    return problems
  }

  private static func postgres(_ platform: RTXPlatform) -> [SpecProblem] {
    (platform.spec.postgres.parameters ?? [:]).keys.sorted().compactMap { key in
      let path = "spec.postgres.parameters.\(key)"
      if PostgresParameters.ownedByPatroni.contains(key) {
        return SpecProblem(path, "is set by the platform itself", remedy: "remove it")
      }
      guard key.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_" || $0 == ".") }) else {
        return SpecProblem(
          path, "is no PostgreSQL parameter name", remedy: "write it in lower case, as in postgresql.conf")
      }
      return nil
    }
  }

  /// Requests over limits, which the API server would refuse only in the pod, long after the platform was accepted.
  private static func pods(_ platform: RTXPlatform) -> [SpecProblem] {
    let spec = platform.spec
    let sections: [(String, ResourceRequirements, [Container])] = [
      ("backend", spec.backend.resources, spec.backend.sidecars ?? []),
      ("postgres", spec.postgres.resources, spec.postgres.sidecars ?? []),
      ("redis", spec.redis.resources, spec.redis.sidecars ?? []),
      ("backup", spec.backup.resources, spec.backup.sidecars ?? []),
    ]
    return sections.flatMap { name, resources, sidecars in
      var problems: [SpecProblem] = []
      for (resource, request) in (resources.requests ?? [:]).sorted(by: { $0.key < $1.key }) {
        guard let limit = resources.limits?[resource], request > limit else { continue }
        problems.append(
          SpecProblem(
            "spec.\(name).resources.requests.\(resource)", "\(request) exceeds the limit of \(limit)",
            remedy: "lower it or raise spec.\(name).resources.limits.\(resource)"))
      }
      var seen: Set<String> = [name]
      for (index, sidecar) in sidecars.enumerated() where !seen.insert(sidecar.name).inserted {
        problems.append(
          SpecProblem(
            "spec.\(name).sidecars[\(index)].name", "'\(sidecar.name)' is taken by another container of the pod",
            remedy: "choose another name"))
      }
      return problems
    }
  }

  private static func backup(_ platform: RTXPlatform) -> [SpecProblem] {
    do throws(CronSchedule.Failure) {
      _ = try CronSchedule(platform.spec.backup.schedule)
      return []
    } catch {
      return [
        SpecProblem("spec.backup.schedule", error.problem, remedy: "write five cron fields, for example '0 * * * *'")
      ]
    }
  }

  private static func network(_ platform: RTXPlatform, _ others: [RTXPlatform]) -> [SpecProblem] {
    guard platform.hasIngress, let host = platform.spec.network.ingress.host else { return [] }
    let rivals = others.filter { other in
      other.metadata.uid != platform.metadata.uid && other.hasIngress && other.spec.network.ingress.host == host
        && other.metadata.deletionTimestamp == nil && isOlder(other, than: platform)
    }
    guard let owner = rivals.min(by: { isOlder($0, than: $1) }) else { return [] }
    return [
      SpecProblem(
        "spec.network.ingress.host", "\(host) is claimed by RTXPlatform \(owner.namespace)/\(owner.name)",
        remedy: "choose another host or remove it there")
    ]
  }

  /// With the OANDA feed and no Secret of the user's, nothing could ever hold the key.
  private static func credentials(_ platform: RTXPlatform) -> [SpecProblem] {
    guard platform.generatesCredentials, platform.spec.backend.priceFeed == "OANDA" else { return [] }
    return [
      SpecProblem(
        "spec.security.credentialsSecretName", "the OANDA price feed needs OANDA_API_KEY and OANDA_ACCOUNT_ID",
        remedy: "name a Secret that has them, or set spec.backend.priceFeed: SIM")
    ]
  }

  /// First come, first served; equal times are told apart by uid, so that all operators agree.
  public static func isOlder(_ left: RTXPlatform, than right: RTXPlatform) -> Bool {
    guard let a = left.metadata.creationTimestamp, let b = right.metadata.creationTimestamp, a != b else {
      return (left.metadata.uid ?? "") < (right.metadata.uid ?? "")
    }
    return a < b
  }

  private static func isEnvironmentName(_ text: String) -> Bool {
    guard let first = text.first, !first.isNumber else { return false }
    return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }
}
