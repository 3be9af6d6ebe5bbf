import KubernetesModels
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

struct CredentialTests {
  @Test func passwordsAreLongRandomAndNeedNoQuoting() {
    var random = SystemRandomNumberGenerator()
    let passwords = (0..<200).map { _ in GeneratedCredentials.password(using: &random) }
    #expect(Set(passwords).count == 200)
    for password in passwords {
      #expect(password.count == 32)
      #expect(password.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }
  }

  @Test func keysThatAreThereAreKeptWhateverTheyHold() {
    var random = SystemRandomNumberGenerator()
    let existing = ["DB_PASSWORD": SecretData.encode("old"), "EXTRA": "", "JWT_SECRET": ""]
    let data = GeneratedCredentials.backend(existing: existing, using: &random)
    for (key, value) in existing { #expect(data[key] == value, "\(key)") }
    #expect(data["DB_USER"].flatMap(SecretData.decode) == "rtx")
    #expect(data["REDIS_PASSWORD"].flatMap(SecretData.decode)?.count == 32)
    #expect(GeneratedCredentials.backend(existing: data, using: &random) == data)
  }

  @Test func aSecretThatWasDeletedComesBackWithTheSameValues() {
    let memory = CredentialMemory()
    var random = SystemRandomNumberGenerator()
    let first = memory.recall(
      "uid/s", adding: GeneratedCredentials.postgres(existing: memory.recall("uid/s", adding: [:]), using: &random))
    let known = memory.recall("uid/s", adding: [:])
    #expect(GeneratedCredentials.postgres(existing: known, using: &random) == first)
    var edited = first
    edited["SUPERUSER_PASSWORD"] = SecretData.encode("edited")
    edited["ADDED"] = "eA=="
    let restored = memory.recall("uid/s", adding: edited)
    #expect(restored["SUPERUSER_PASSWORD"] == first["SUPERUSER_PASSWORD"])
    #expect(restored["ADDED"] == "eA==")
    memory.forget(prefix: "uid")
    #expect(memory.recall("uid/s", adding: [:]).isEmpty)
  }

  private let platform = SamplePlatforms.plain { $0.spec.security.credentialsSecretName = "own" }

  private func secret(_ values: [String: String]) -> Secret {
    Secret(data: values.mapValues(SecretData.encode), metadata: ObjectMeta(name: "own", namespace: "rtx-trading"))
  }

  @Test func missingKeysAreNamedAndValuesAreNot() throws {
    let problem = try #require(
      SuppliedCredentials.problem(secret(["DB_USER": "rtx", "DB_PASSWORD": "hidden-value"]), of: platform))
    #expect(problem.description.contains("lacks JWT_SECRET, REDIS_PASSWORD"))
    #expect(!problem.description.contains("hidden-value"))
    #expect(SuppliedCredentials.problem(nil, of: platform)?.problem.contains("does not exist") == true)
  }

  @Test func theSuperusersNameIsRefusedUnlessOthersRunTheDatabase() {
    let values = ["DB_USER": "postgres", "DB_PASSWORD": "x", "JWT_SECRET": "x", "REDIS_PASSWORD": "x"]
    #expect(SuppliedCredentials.problem(secret(values), of: platform)?.problem.contains("DB_USER") == true)
    var outside = platform
    outside.spec.postgres.external = PostgresExternalSpec(host: "db")
    #expect(SuppliedCredentials.problem(secret(values), of: outside) == nil)
  }
}
