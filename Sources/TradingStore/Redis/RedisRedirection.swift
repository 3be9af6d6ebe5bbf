/// Where a cluster's node sends a command that it does not serve: `MOVED 3999 10.0.0.7:6381` or `ASK …`
/// (Redis: "Redis cluster specification", redirection).
struct RedisRedirection: Sendable, Hashable {
  /// Empty: the host that was asked.
  let host: String
  let port: Int
  /// The slot is on its way to the other node, which serves it only when told that this is known.
  let isForOneCommand: Bool

  /// Nil for a refusal of another kind.
  init?(_ refusal: String) {
    let words = refusal.split(separator: " ")
    guard words.count == 3, words[0] == "MOVED" || words[0] == "ASK", let colon = words[2].lastIndex(of: ":"),
      let port = Int(words[2][words[2].index(after: colon)...])
    else { return nil }
    host = String(words[2][..<colon])
    self.port = port
    isForOneCommand = words[0] == "ASK"
  }
}
