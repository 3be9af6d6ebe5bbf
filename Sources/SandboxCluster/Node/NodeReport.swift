import FoundationEssentials
import KubernetesClient
import KubernetesModels
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Registers a Node and keeps its status and lease fresh (Kubernetes: "Nodes", heartbeats).
struct NodeReport: Sendable {
  var client: KubernetesClient
  var name: String
  var hostAddress: String
  var machine: MachineCapacity
  var runtime: String
  var isSimulated: Bool

  /// The label that marks nodes and pods of which nothing runs.
  static let simulatedLabel = "sandbox.rtx.trading/simulated"
  static let type = ResourceType(group: "", version: "v1", kind: "Node", plural: "nodes", isNamespaced: false)

  /// Until cancelled.
  func run(logger: Logger) async throws {
    while true {
      do {
        try await register()
        break
      } catch let error as KubernetesError {
        logger.warning("the node could not be registered; trying again", metadata: ["error": "\(error)"])
        try await Task.sleep(for: .seconds(1))
      }
    }
    while !Task.isCancelled {
      // The kubelet, too, reports a status without news every five minutes only.
      try await Task.sleep(for: .seconds(300))
      _ = try? await client.patch(Self.type, name, .merge(["status": status()]), subresource: "status")
    }
  }

  private func register() async throws {
    var labels: JSONValue = [
      "kubernetes.io/hostname": .string(name), "kubernetes.io/os": "linux",
      "kubernetes.io/arch": .string(Self.architecture), "node-role.kubernetes.io/worker": "",
    ]
    var annotations: JSONValue = [:]
    if isSimulated {
      labels[Self.simulatedLabel] = "true"
      annotations["sandbox.rtx.trading/note"] = "pods on this node are shown as running, but nothing runs"
    }
    let node: JSONValue = [
      "apiVersion": "v1", "kind": "Node",
      "metadata": ["name": .string(name), "labels": labels, "annotations": annotations], "spec": [:],
    ]
    do {
      _ = try await client.create(Self.type, DynamicObject(node))
    } catch let error as KubernetesError where error.isAlreadyExists {
      _ = try await client.patch(Self.type, name, .merge(["metadata": ["labels": labels, "annotations": annotations]]))
    }
    _ = try await client.patch(Self.type, name, .merge(["status": status()]), subresource: "status")
  }

  private func status() -> JSONValue {
    let now = JSONValue.string(Timestamp.now.description)
    let capacity: JSONValue = [
      "cpu": .string(machine.quantity("cpu").description), "memory": .string("\(machine.memoryBytes / 1024)Ki"),
      "ephemeral-storage": .string("\(machine.diskBytes / 1024)Ki"), "pods": isSimulated ? "10000" : "250",
    ]
    let message = isSimulated ? "simulated: pods are shown as running, but nothing runs" : "podman is ready"
    return [
      "capacity": capacity, "allocatable": capacity,
      "addresses": [
        ["type": "InternalIP", "address": .string(hostAddress)], ["type": "Hostname", "address": .string(name)],
      ],
      "conditions": [
        [
          "type": "Ready", "status": "True", "reason": "KubeletReady", "message": .string(message),
          "lastHeartbeatTime": now, "lastTransitionTime": now,
        ],
        [
          "type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory",
          "message": "not watched by the sandbox", "lastHeartbeatTime": now, "lastTransitionTime": now,
        ],
      ],
      "nodeInfo": [
        "architecture": .string(Self.architecture), "operatingSystem": "linux",
        "containerRuntimeVersion": .string(runtime), "kubeletVersion": "v1.33.0+sandbox", "kubeProxyVersion": "",
        "kernelVersion": .string(Self.kernel), "osImage": .string(Self.system), "machineID": "", "systemUUID": "",
        "bootID": "",
      ],
    ]
  }

  private static var architecture: String {
    #if arch(arm64)
      "arm64"
    #else
      "amd64"
    #endif
  }

  private static var kernel: String {
    let text = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? ""
    return text.filter { !$0.isNewline }
  }

  private static var system: String {
    let text = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
    return line.map { $0.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" } } ?? "Linux"
  }
}

extension MachineCapacity {
  /// What the machine has, rounded down to whole units.
  static func ofThisMachine(dataFolder: String) -> MachineCapacity {
    let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    var disk = statvfs()
    let path = FileManager.default.fileExists(atPath: dataFolder) ? dataFolder : "/"
    let diskBytes = statvfs(path, &disk) == 0 ? Int(disk.f_blocks) * Int(disk.f_frsize) : 0
    return MachineCapacity(
      cpus: ProcessInfo.processInfo.activeProcessorCount, memoryBytes: memory, diskBytes: diskBytes)
  }
}
