/// Why there is no price stream from OANDA, and what to do about it.
struct OandaProblem: Error, Sendable, Hashable, CustomStringConvertible {
  let message: String
  let remedy: String
  /// Whether it may pass by itself. The others are tried again much more slowly: only the operator can mend them.
  let isPassing: Bool
  /// Seconds that OANDA asks to wait.
  var retryAfter: Int?

  var description: String { "\(message); \(remedy)" }

  /// An answer that is not a stream (OANDA v20, "Troubleshooting & Errors").
  ///
  /// - Parameter words: OANDA's `errorMessage`.
  init(status: Int, words: String, settings: OandaSettings, retryAfter: Int? = nil) {
    let reason = words.isEmpty ? "" : ": \(words)"
    self.retryAfter = retryAfter
    switch status {
    case 401:
      message = "OANDA does not know the token (401\(reason))"
      remedy =
        "set OANDA_API_KEY to a token of the \(settings.environment.rawValue) system, or change OANDA_ENVIRONMENT"
      isPassing = false
    case 403:
      message = "the token may not use account \(settings.accountId) (403\(reason))"
      remedy = "set OANDA_ACCOUNT_ID to an account of the token's user that is not locked"
      isPassing = false
    case 404:
      message = "OANDA has no account \(settings.accountId) or no such path (404\(reason))"
      remedy = "check OANDA_ACCOUNT_ID, and OANDA_URL when it is set"
      isPassing = false
    case 429:
      message = "OANDA refuses more connections for now (429\(reason))"
      remedy = "it is tried again later; close other streams of this address if there are any"
      isPassing = true
    case 400..<500:
      message = "OANDA refuses the request (\(status)\(reason))"
      remedy = "check OANDA_ACCOUNT_ID and that the account may trade the instruments"
      isPassing = false
    default:
      message = "OANDA has a problem (\(status)\(reason))"
      remedy = "it is tried again"
      isPassing = true
    }
  }

  private init(_ message: String, remedy: String, isPassing: Bool = true) {
    self.message = message
    self.remedy = remedy
    self.isPassing = isPassing
  }

  static func unreachable(_ reason: String) -> OandaProblem {
    OandaProblem("OANDA cannot be reached: \(reason)", remedy: "it is tried again; check DNS and the network policy")
  }

  static let silent = OandaProblem(
    "OANDA sent neither prices nor heartbeats for \(OandaPriceMaker.patience)", remedy: "the connection is made anew")

  static let ended = OandaProblem("OANDA ended the stream", remedy: "the connection is made anew")

  static let noInstruments = OandaProblem(
    "the account may trade none of the instruments that are offered here",
    remedy: "use an account of a division that trades spot currencies", isPassing: false)
}
