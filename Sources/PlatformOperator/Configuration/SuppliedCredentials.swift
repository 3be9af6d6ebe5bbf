import KubernetesModels
import RTXPlatformAPI

/// The checks on a Secret that the user wrote.
enum SuppliedCredentials {
  /// What keeps the platform from running on this Secret; nil when nothing does. Never says a value.
  static func problem(_ secret: Secret?, of platform: RTXPlatform) -> SpecProblem? {
    let name = platform.credentialsSecretName
    let path = "spec.security.credentialsSecretName"
    guard let secret else {
      return SpecProblem(path, "Secret \(name) does not exist in \(platform.namespace)", remedy: "create it")
    }
    let data = secret.data ?? [:]
    let missing = platform.requiredCredentials.map(\.rawValue).filter { (data[$0] ?? "").isEmpty }
    if !missing.isEmpty {
      let keys = missing.joined(separator: ", ")
      return SpecProblem(path, "Secret \(name) lacks \(keys)", remedy: "add what is missing to the Secret")
    }
    let user = data[CredentialKey.databaseUser.rawValue].flatMap(SecretData.decode) ?? ""
    if platform.spec.postgres.external == nil, PlatformConstants.reservedDatabaseUsers.contains(user) {
      return SpecProblem(
        path, "key DB_USER of Secret \(name) is '\(user)', which the database itself needs",
        remedy: "give the trading server a role of its own, for example rtx")
    }
    return nil
  }
}
