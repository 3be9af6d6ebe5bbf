import TradingStore

extension EnvironmentReader {
  /// The OANDA_* keys, for when prices come from there.
  mutating func oanda() -> OandaSettings {
    let token = secret("OANDA_API_KEY") ?? secret("OANDA_TOKEN")
    if token == nil {
      report(
        "OANDA_API_KEY", "is not set", remedy: "set it to a personal access token of OANDA (OANDA_TOKEN is read too)")
    }
    var settings = OandaSettings(
      token: token ?? Secret(""),
      accountId: required("OANDA_ACCOUNT_ID", remedy: "set it to the account, such as 101-004-1234567-001"),
      environment: choice("OANDA_ENVIRONMENT", default: .practice))
    let url = text("OANDA_URL", default: "")
    if !url.isEmpty {
      if !(url.hasPrefix("https://") || url.hasPrefix("http://")) || url.hasSuffix("/") {
        report("OANDA_URL", "\"\(url)\" is not usable", remedy: "use http(s)://host:port without a slash at the end")
      }
      settings.url = url
    }
    // It becomes part of a path.
    if !settings.accountId.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: "-") }) {
      report(
        "OANDA_ACCOUNT_ID", "has other characters than digits and hyphens", remedy: "copy it from OANDA's account page")
    }
    return settings
  }
}
