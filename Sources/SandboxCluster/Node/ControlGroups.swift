import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Control groups of containers, in the old layout (one tree a controller) and the new one (a single tree).
enum ControlGroups {
  private static let root = "/sys/fs/cgroup"

  private static var isUnified: Bool { FileManager.default.fileExists(atPath: "\(root)/cgroup.controllers") }

  /// Which limits can be enforced here.
  static func limits() -> ContainerSpecification.Limits {
    if isUnified {
      let text = (try? String(contentsOfFile: "\(root)/cgroup.subtree_control", encoding: .utf8)) ?? ""
      let available = (try? String(contentsOfFile: "\(root)/cgroup.controllers", encoding: .utf8)) ?? ""
      let names = Set((text + " " + available).split(whereSeparator: \.isWhitespace))
      return .init(memory: names.contains("memory"), cpu: names.contains("cpu"))
    }
    return .init(
      memory: FileManager.default.fileExists(atPath: "\(root)/memory/memory.limit_in_bytes"),
      cpu: FileManager.default.fileExists(atPath: "\(root)/cpu/cpu.cfs_quota_us"))
  }

  struct Usage: Sendable {
    var cpuNanoseconds: UInt64
    /// Without file pages that the kernel could drop at once, as the kubelet counts.
    var memoryBytes: UInt64
  }

  /// - Parameter path: below each controller's mount, as podman tells it.
  static func usage(_ path: String) -> Usage? {
    guard !path.isEmpty else { return nil }
    if isUnified {
      guard let cpu = value("usage_usec", in: "\(root)\(path)/cpu.stat"),
        let memory = number("\(root)\(path)/memory.current")
      else { return nil }
      let inactive = value("inactive_file", in: "\(root)\(path)/memory.stat") ?? 0
      return Usage(cpuNanoseconds: cpu * 1000, memoryBytes: memory > inactive ? memory - inactive : 0)
    }
    guard let cpu = number("\(root)/cpuacct\(path)/cpuacct.usage"),
      let memory = number("\(root)/memory\(path)/memory.usage_in_bytes")
    else { return nil }
    let inactive = value("total_inactive_file", in: "\(root)/memory\(path)/memory.stat") ?? 0
    return Usage(cpuNanoseconds: cpu, memoryBytes: memory > inactive ? memory - inactive : 0)
  }

  /// Whether the kernel killed something in this container for want of memory: its log is the only place that still says so
  /// when the control group is gone.
  static func wasOutOfMemory(container id: String) async -> Bool {
    guard let log = try? await Command.run("dmesg", []) else { return false }
    return log.split(separator: "\n").contains { $0.contains("oom-kill:") && $0.contains(id) }
  }

  /// Removes a group and those in it; they must be without processes.
  static func removeAll(_ name: String) {
    let controllers = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    for controller in controllers { removeTree("\(root)/\(controller)/\(name)") }
    removeTree("\(root)/\(name)")
  }

  private static func removeTree(_ path: String) {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder else { return }
    for child in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
      var isChildFolder = false
      let childPath = "\(path)/\(child)"
      if FileManager.default.fileExists(atPath: childPath, isDirectory: &isChildFolder), isChildFolder {
        removeTree(childPath)
      }
    }
    // A control group's files cannot be removed, the group itself can.
    _ = rmdir(path)
  }

  private static func number(_ path: String) -> UInt64? {
    (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { UInt64($0.filter(\.isNumber)) }
  }

  private static func value(_ key: String, in path: String) -> UInt64? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, words[0] == key { return UInt64(words[1]) }
    }
    return nil
  }
}
