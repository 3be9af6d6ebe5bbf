import Foundation
import Logging
import Testing
import TradingCore
import TradingStore

@testable import TradingServer

@Suite struct ConfigurationTests {
  private let good = ["DB_HOST": "h", "DB_NAME": "n", "DB_USER": "u", "REDIS_HOST": "r"]

  @Test func defaultsAreTheSeeds() throws {
    let configuration = try ServerConfiguration(environment: good)
    #expect(configuration.port == 7999)
    #expect(configuration.postgres.port == 5432)
    #expect(configuration.postgres.sslMode == .prefer)
    #expect(configuration.redis.port == 6379)
  }

  @Test func everyBadKeyIsNamedAtOnce() {
    let bad = [
      "DB_PORT": "70000", "DB_SSL_MODE": "maybe", "DB_PASSWORD": "REPLACE_WITH_ACTUAL_PASSWORD", "PORT": "http",
      "PRICE_FEED_LP": "BLOOMBERG", "EXECUTION_MODE": "ABOOK", "LOG_LEVEL": "loud", "JWT_SECRET": "REPLACE_WITH_IT",
      "DB_USER": "", "ADMIN_PASSWORD_HASH": "secret", "DEMO_ACCESS": "perhaps", "RATE_LIMIT_PER_ACCOUNT": "-1",
      "RATE_LIMIT_PER_ADDRESS": "many", "TRUSTED_PROXIES": "11", "SENTRY_DSN": "https://sentry.example/1",
      "TLS_CERT_FILE": "/nowhere", "TLS_KEY_FILE": "/nowhere",
    ]
    let error = #expect(throws: ConfigurationError.self) { try ServerConfiguration(environment: bad) }
    let keys = Set(error?.problems.map(\.key) ?? [])
    #expect(keys == Set(bad.keys).subtracting(["TLS_KEY_FILE"]).union(["DB_HOST", "DB_NAME", "REDIS_HOST"]))
    #expect(error?.problems.allSatisfy { !$0.remedy.isEmpty } == true)
    #expect(error.map { !"\($0)".contains("REPLACE_WITH") } == true)
  }

  @Test func theOandaFeedNeedsATokenAndAnAccount() throws {
    let feed = ["PRICE_FEED_LP": "OANDA", "JWT_SECRET": String(repeating: "s", count: 32)]
    func problems(_ more: [String: String]) -> [String] {
      configurationProblems(good.merging(feed) { $1 }.merging(more) { $1 })
    }
    #expect(problems([:]) == ["OANDA_API_KEY", "OANDA_ACCOUNT_ID"])
    let key = ["OANDA_API_KEY": "k", "OANDA_ACCOUNT_ID": "101-004-1-001"]
    #expect(problems(key).isEmpty)
    #expect(problems(["OANDA_TOKEN": "k", "OANDA_ACCOUNT_ID": "1", "OANDA_ENVIRONMENT": "live"]).isEmpty)
    #expect(
      problems(key.merging(["OANDA_ENVIRONMENT": "demo", "OANDA_URL": "oanda.com"]) { $1 })
        == ["OANDA_ENVIRONMENT", "OANDA_URL"])
    #expect(problems(key.merging(["OANDA_ACCOUNT_ID": "1/../2"]) { $1 }) == ["OANDA_ACCOUNT_ID"])
  }

  @Test func tokensNeedASecretThatIsLongEnough() throws {
    func problems(_ more: [String: String]) -> [String] { configurationProblems(good.merging(more) { $1 }) }
    let secret = String(repeating: "s", count: 32)
    #expect(problems(["JWT_SECRET": secret]).isEmpty)
    #expect(problems(["JWT_SECRET": String(secret.dropLast())]) == ["JWT_SECRET"])
    #expect(problems(["DEMO_ACCESS": "closed"]) == ["JWT_SECRET"])
    #expect(problems(["DEMO_ACCESS": "closed", "JWT_SECRET": secret]).isEmpty)
  }

  @Test func aDSNIsTakenApart() {
    #expect(SentryDSN("https://abc123@o1.ingest.sentry.io/42")?.url == "https://o1.ingest.sentry.io/api/42/envelope/")
    #expect(SentryDSN("http://k@localhost:9000/sentry/7")?.url == "http://localhost:9000/sentry/api/7/envelope/")
    for text in [
      "https://o1.ingest.sentry.io/42", "ftp://k@h/1", "https://k@h", "https://k@/1", "https://@h/1", "https://k@h/x",
    ] { #expect(SentryDSN(text) == nil, "\(text)") }
  }

  @Test func migrateNeedsOnlyTheDatabaseKeys() throws {
    let environment = ["DB_HOST": "h", "DB_NAME": "n", "DB_USER": "u", "PRICE_FEED_LP": "OANDA"]
    #expect(try ServerConfiguration.postgres(environment: environment).host == "h")
  }
}

@Suite struct JSONLogHandlerTests {
  @Test func everyEntryIsOneLineOfJSON() throws {
    var handler = JSONLogHandler(label: "test", level: .trace)
    handler[metadataKey: "replica"] = "a"
    let event = LogEvent(
      level: .warning, message: "two\nlines \"quoted\" \u{1}", metadata: ["time": "mine", "list": ["x", ["k": "v"]]],
      source: "s", file: "f", function: "g", line: 1)
    let line = handler.line(for: event, at: Timestamp(milliseconds: 0))
    #expect(line.hasSuffix("\n") && line.dropLast().allSatisfy { $0 != "\n" })
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    #expect(object?["message"] as? String == "two\nlines \"quoted\" \u{1}")
    #expect(object?["time"] as? String == "1970-01-01T00:00:00.000Z")
    #expect(object?["_time"] as? String == "mine")
    #expect(object?["replica"] as? String == "a")
    #expect((object?["list"] as? [Any])?.count == 2)
  }
}

/// The variables that a server complains of; none when it would start.
func configurationProblems(_ environment: [String: String]) -> [String] {
  do {
    _ = try ServerConfiguration(environment: environment)
    return []
  } catch {
    return error.problems.map(\.key)
  }
}
