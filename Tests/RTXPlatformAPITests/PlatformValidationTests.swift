import KubernetesModels
import Testing

@testable import RTXPlatformAPI

struct PlatformValidationTests {
  private func platform(_ name: String = "trading", created: Int64 = 100) -> RTXPlatform {
    var platform = RTXPlatform(
      metadata: ObjectMeta(
        creationTimestamp: Timestamp(secondsSinceEpoch: created), name: name, namespace: "rtx-trading", uid: name))
    platform.spec.backend.priceFeed = "SIM"
    return platform
  }

  private func problems(
    among others: [RTXPlatform] = [], _ change: (inout RTXPlatform) -> Void
  ) -> [String] {
    var platform = platform()
    change(&platform)
    return PlatformValidation.problems(of: platform, among: others).map(\.description)
  }

  @Test func theDefaultsWithASimulatedFeedAreValid() {
    #expect(problems { _ in } == [])
  }

  @Test func requestsOverLimitsAreNamedWithBothValues() {
    let found = problems { $0.spec.backend.resources.requests?["cpu"] = "2" }
    #expect(
      found == [
        "spec.backend.resources.requests.cpu: 2 exceeds the limit of 500m; lower it or raise "
          + "spec.backend.resources.limits.cpu"
      ])
  }

  @Test func aLimitIsComparedAsAQuantityNotAsText() {
    #expect(problems { $0.spec.redis.resources.requests?["memory"] = "1024Mi" } == [])
  }

  @Test func aBadScheduleIsNamed() {
    let found = problems { $0.spec.backup.schedule = "61 * * * *" }
    #expect(found.count == 1 && found[0].hasPrefix("spec.backup.schedule: has '61' as minute"))
  }

  @Test func theYoungerOfTwoPlatformsWithOneHostIsRefused() {
    var older = platform("older", created: 50)
    older.spec.network.ingress.host = "trading.example.com"
    let younger = problems(among: [older]) { $0.spec.network.ingress.host = "trading.example.com" }
    #expect(younger.count == 1 && younger[0].contains("claimed by RTXPlatform rtx-trading/older"))
    var rival = platform("rival", created: 200)
    rival.spec.network.ingress.host = "trading.example.com"
    #expect(problems(among: [rival]) { $0.spec.network.ingress.host = "trading.example.com" } == [])
  }

  @Test func theOANDAFeedNeedsASecretOfTheUsers() {
    let found = problems { $0.spec.backend.priceFeed = "OANDA" }
    #expect(found.count == 1 && found[0].hasPrefix("spec.security.credentialsSecretName"))
    let named = problems {
      $0.spec.backend.priceFeed = "OANDA"
      $0.spec.security.credentialsSecretName = "own"
    }
    #expect(named == [])
  }

  @Test func thePlatformsOwnKeysAndParametersCannotBeReplaced() {
    let found = problems {
      $0.spec.backend.extraConfig = ["DB_HOST": "elsewhere", "9LIVES": "x", "FEATURE": "on"]
      $0.spec.postgres.parameters = ["synchronous_standby_names": "", "work_mem": "8MB"]
      $0.spec.backend.sidecars = [Container(name: "backend")]
    }
    #expect(
      found.map { $0.prefix { $0 != ":" } } == [
        "spec.backend.extraConfig.9LIVES", "spec.backend.extraConfig.DB_HOST",
        "spec.postgres.parameters.synchronous_standby_names", "spec.backend.sidecars[0].name",
      ])
  }

  @Test func credentialsThatAreNeededFollowTheFeed() {
    var platform = platform()
    #expect(!platform.requiredCredentials.contains(.oandaAPIKey))
    platform.spec.backend.priceFeed = "OANDA"
    #expect(platform.requiredCredentials.contains(.oandaAPIKey))
  }

  @Test func anIngressFollowsTheHostUnlessRefused() {
    var platform = platform()
    #expect(!platform.hasIngress)
    platform.spec.network.ingress.host = "trading.example.com"
    #expect(platform.hasIngress)
    platform.spec.network.ingress.enabled = false
    #expect(!platform.hasIngress)
  }
}
