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
      "PRICE_FEED_LP": "OANDA", "EXECUTION_MODE": "ABOOK", "LOG_LEVEL": "loud", "JWT_SECRET": "REPLACE_WITH_IT",
      "DB_USER": "",
    ]
    let error = #expect(throws: ConfigurationError.self) { try ServerConfiguration(environment: bad) }
    let keys = Set(error?.problems.map(\.key) ?? [])
    #expect(keys == Set(bad.keys).union(["DB_HOST", "DB_NAME", "REDIS_HOST"]))
    #expect(error?.problems.allSatisfy { !$0.remedy.isEmpty } == true)
    #expect(error.map { !"\($0)".contains("REPLACE_WITH") } == true)
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
