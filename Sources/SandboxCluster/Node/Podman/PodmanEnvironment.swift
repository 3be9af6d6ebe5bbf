import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Whether this machine can run pods, and the podman settings that it needs.
public struct PodmanEnvironment: Sendable {
  /// What is missing, each with its remedy; empty when pods can run.
  public var problems: [String]
  /// The text of a containers.conf made for this machine.
  public var containersConfiguration: String
  /// `runc` or `crun`, as a path.
  public var runtimePath: String

  /// Whether real pods can run here.
  public var isUsable: Bool { problems.isEmpty }

  /// Looks at programs, permissions and control groups; starts nothing that stays.
  public static func detect() async -> PodmanEnvironment {
    var problems: [String] = []
    if getuid() != 0 { problems.append("pods need root for network namespaces and nftables: run as root") }
    let packages = ["podman": "podman", "nft": "nftables", "ip": "iproute2", "mount": "mount"]
    for (program, package) in packages.sorted(by: { $0.key < $1.key }) where Command.locate(program) == nil {
      problems.append("\(program) is missing: apt-get install \(package)")
    }
    let runtime = runtime()
    if runtime == nil { problems.append("no container runtime is installed: apt-get install runc") }
    if problems.isEmpty {
      let table = "rtx-probe-\(getpid())"
      let probe = "table ip \(table) {\n chain c {\n type nat hook prerouting priority dstnat;\n }\n}\n"
      do {
        try await Command.run("nft", ["-f", "-"], input: probe + "delete table ip \(table)\n")
      } catch {
        problems.append("the kernel refuses nftables with address translation (nf_tables, nft_nat): \(error)")
      }
    }
    return PodmanEnvironment(
      problems: problems, containersConfiguration: configuration(runtime: runtime ?? "runc"),
      runtimePath: runtime ?? "")
  }

  /// crun, podman's usual choice, refuses the old and the hybrid layout of control groups.
  private static func runtime() -> String? {
    let isUnified = FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cgroup.controllers")
    let names = isUnified ? ["crun", "runc"] : ["runc"]
    return names.lazy.compactMap { Command.locate($0) }.first
  }

  private static func configuration(runtime: String) -> String {
    let name = runtime.split(separator: "/").last.map { String($0) } ?? runtime
    var text = "[containers]\n"
    // podman's default asks for more open files than a process without this capability may.
    if !hasResourceCapability() {
      let files = limit("Max open files")
      let processes = min(limit("Max processes"), 32768)
      text += "default_ulimits = [\"nofile=\(files):\(files)\", \"nproc=\(processes):\(processes)\"]\n"
    }
    // podman keeps a process for every command that ran in a container, five minutes long unless told otherwise.
    text +=
      "[engine]\nexit_command_delay = 10\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nruntime = \"\(name)\"\n"
    text += "[engine.runtimes]\n\(name) = [\"\(runtime)\"]\n"
    // Pods have their own network; podman's is not used, but it looks for one.
    let hasNetavark = ["/usr/lib/podman/netavark", "/usr/libexec/podman/netavark"].contains {
      FileManager.default.fileExists(atPath: $0)
    }
    if hasNetavark { text += "[network]\nnetwork_backend = \"netavark\"\n" }
    return text
  }

  /// The hard limit of this process, from the kernel's table: name, soft limit, hard limit, unit.
  private static func limit(_ name: String) -> UInt64 {
    let table = (try? String(contentsOfFile: "/proc/self/limits", encoding: .utf8)) ?? ""
    let line = table.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
    let fields = line.dropFirst(name.count).split(separator: " ")
    guard fields.count > 1 else { return 1024 }
    return fields[1] == "unlimited" ? 1 << 20 : UInt64(fields[1]) ?? 1024
  }

  /// CAP_SYS_RESOURCE is bit 24 of the effective set.
  private static func hasResourceCapability() -> Bool {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    for line in status.split(separator: "\n") where line.hasPrefix("CapEff:") {
      let digits = line.dropFirst("CapEff:".count).filter(\.isHexDigit)
      return UInt64(digits, radix: 16).map { $0 & (1 << 24) != 0 } ?? true
    }
    return true
  }
}
