/// Lets pod traffic through where another program (Docker, a firewall) has made "drop" the machine's answer to forwarded packets.
///
/// Netfilter asks every table: that ours accepts a packet does not help when the `FORWARD` chain of iptables drops it.
enum ForwardPermission {
  private static let chain = ["ip", "filter", "FORWARD"]

  /// Adds rules for the pod network, marked with the instance's name, if the chain drops by default.
  static func grant(instance: String, pods: IPv4Network) async throws {
    guard let listed = try? await Command.outcome("nft", ["list", "chain"] + chain), listed.exitCode == 0,
      listed.output.contains("policy drop")
    else { return }
    for direction in ["saddr", "daddr"] {
      try await Command.run(
        "nft",
        ["insert", "rule"] + chain + ["ip", direction, pods.description, "accept", "comment", "\"\(mark(instance))\""])
    }
  }

  /// Removes the rules again.
  static func withdraw(instance: String) async {
    guard let listed = try? await Command.outcome("nft", ["--handle", "list", "chain"] + chain), listed.exitCode == 0
    else { return }
    for line in listed.output.split(separator: "\n") where line.contains("\"\(mark(instance))\"") {
      guard let handle = line.split(separator: " ").last else { continue }
      _ = try? await Command.outcome("nft", ["delete", "rule"] + chain + ["handle", String(handle)])
    }
  }

  private static func mark(_ instance: String) -> String { "\(instance)-sandbox" }
}
