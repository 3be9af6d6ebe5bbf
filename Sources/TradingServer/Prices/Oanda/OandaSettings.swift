public import TradingStore

/// How to reach OANDA's v20 API.
public struct OandaSettings: Sendable, Hashable {
  /// OANDA's two systems, with hosts of their own (OANDA v20, "Development Guide").
  public enum Environment: String, Sendable, Hashable, CaseIterable { case practice, live }

  /// A personal access token.
  public var token: Secret
  /// Such as 101-004-1234567-001.
  public var accountId: String
  public var environment: Environment
  /// Takes the place of both hosts, for a server that speaks the same protocol; without a slash at the end.
  public var url: String?

  public init(token: Secret, accountId: String, environment: Environment = .practice, url: String? = nil) {
    self.token = token
    self.accountId = accountId
    self.environment = environment
    self.url = url
  }

  var instrumentsURL: String { base("api") + "/v3/accounts/\(accountId)/instruments" }

  func streamURL(_ names: [String]) -> String {
    base("stream") + "/v3/accounts/\(accountId)/pricing/stream?instruments=" + names.joined(separator: "%2C")
  }

  private func base(_ host: String) -> String {
    url ?? "https://\(host)-\(environment == .practice ? "fxpractice" : "fxtrade").oanda.com"
  }
}
