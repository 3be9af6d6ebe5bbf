import FoundationEssentials

/// The kernel's switch for routing packets between interfaces: on while any sandbox of this machine is up, and then as it was before.
enum Forwarding {
  private static let path = "/proc/sys/net/ipv4/ip_forward"
  /// One file for each sandbox that needs it, and one that says that the first of them switched it on.
  private static let folder = "/run/rtx-sandbox.ip_forward"
  private static let wasOff = ".was-off"

  static func enable(instance: String) throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data().write(to: URL(filePath: "\(folder)/\(instance)"))
    guard (try? String(contentsOfFile: path, encoding: .utf8))?.first != "1" else { return }
    try Data().write(to: URL(filePath: "\(folder)/\(wasOff)"))
    try Data("1\n".utf8).write(to: URL(filePath: path))
  }

  static func release(instance: String) {
    let manager = FileManager.default
    guard (try? manager.removeItem(atPath: "\(folder)/\(instance)")) != nil else { return }
    let left = (try? manager.contentsOfDirectory(atPath: folder)) ?? []
    guard left.allSatisfy({ $0 == wasOff }) else { return }
    if !left.isEmpty { try? Data("0\n".utf8).write(to: URL(filePath: path)) }
    try? manager.removeItem(atPath: folder)
  }
}
