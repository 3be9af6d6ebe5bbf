import KubernetesModels

/// How a Pod prints: the status word is worked out from its containers (printers `printPod`).
enum PodColumns {
  static let all: [TableColumn] = [
    .name,
    TableColumn("Ready", description: "The aggregate readiness state of this pod for accepting traffic.") { pod in
      let (ready, total) = readiness(pod)
      return .string("\(ready)/\(total)")
    },
    TableColumn("Status", description: "The aggregate status of the containers in this pod.") { .string(status($0)) },
    TableColumn("Restarts", description: "The number of times the containers in this pod have been restarted.") {
      .string(restarts($0))
    },
    .age,
    BuiltinColumns.text("IP", "status", "podIP", priority: 1),
    BuiltinColumns.text("Node", "spec", "nodeName", priority: 1),
    BuiltinColumns.text("Nominated Node", "status", "nominatedNodeName", priority: 1),
    TableColumn("Readiness Gates", priority: 1) { _ in "<none>" },
  ]

  private static func readiness(_ pod: JSONValue) -> (Int, Int) {
    let sidecars = Set(
      pod.itemsAt("spec", "initContainers").filter { $0.textAt("restartPolicy") == "Always" }.compactMap {
        $0.textAt("name")
      })
    let statuses =
      pod.itemsAt("status", "containerStatuses")
      + pod.itemsAt("status", "initContainerStatuses").filter { sidecars.contains($0.textAt("name") ?? "") }
    let ready = statuses.filter { $0.boolAt("ready") && $0.at("state", "running") != nil }.count
    return (ready, pod.itemsAt("spec", "containers").count + sidecars.count)
  }

  private static func status(_ pod: JSONValue) -> String {
    var reason = pod.textAt("status", "reason") ?? pod.textAt("status", "phase") ?? "Unknown"
    if let initial = initializing(pod) {
      reason = initial
    } else {
      for container in pod.itemsAt("status", "containerStatuses").reversed() {
        if let waiting = container.textAt("state", "waiting", "reason"), !waiting.isEmpty {
          reason = waiting
        } else if let ended = container.at("state", "terminated") {
          reason = terminated(ended)
        }
      }
      let isRunning = pod.itemsAt("status", "containerStatuses").contains {
        $0.boolAt("ready") && $0.at("state", "running") != nil
      }
      if reason == "Completed", isRunning {
        let isReady = pod.itemsAt("status", "conditions").contains {
          $0.textAt("type") == "Ready" && $0.textAt("status") == "True"
        }
        reason = isReady ? "Running" : "NotReady"
      }
    }
    guard pod.isDeleting else { return reason }
    if pod.textAt("status", "reason") == "NodeLost" { return "Unknown" }
    return ["Succeeded", "Failed"].contains(pod.textAt("status", "phase") ?? "") ? reason : "Terminating"
  }

  /// `Init:1/2` and the like, while init containers still have to run.
  private static func initializing(_ pod: JSONValue) -> String? {
    let specs = pod.itemsAt("spec", "initContainers")
    let sidecars = Set(specs.filter { $0.textAt("restartPolicy") == "Always" }.compactMap { $0.textAt("name") })
    for (index, container) in pod.itemsAt("status", "initContainerStatuses").enumerated() {
      if container.intAt("state", "terminated", "exitCode") == 0 { continue }
      if sidecars.contains(container.textAt("name") ?? ""), container.boolAt("started") { continue }
      if let ended = container.at("state", "terminated") { return "Init:" + terminated(ended) }
      if let waiting = container.textAt("state", "waiting", "reason"), !waiting.isEmpty, waiting != "PodInitializing" {
        return "Init:" + waiting
      }
      return "Init:\(index)/\(specs.count)"
    }
    return nil
  }

  private static func terminated(_ state: JSONValue) -> String {
    if let reason = state.textAt("reason"), !reason.isEmpty { return reason }
    if let signal = state.intAt("signal"), signal != 0 { return "Signal:\(signal)" }
    return "ExitCode:\(state.intAt("exitCode") ?? 0)"
  }

  private static func restarts(_ pod: JSONValue) -> String {
    let statuses = pod.itemsAt("status", "containerStatuses")
    let total = statuses.reduce(0) { $0 + ($1.intAt("restartCount") ?? 0) }
    let last = statuses.compactMap { $0.textAt("lastState", "terminated", "finishedAt") }.compactMap(Timestamp.init)
      .max()
    guard total > 0, let last else { return String(total) }
    return "\(total) (\(Age.text(seconds: Int(Timestamp.now.secondsSinceEpoch - last.secondsSinceEpoch))) ago)"
  }
}

enum NodeColumns {
  static let all: [TableColumn] = [
    .name,
    TableColumn("Status") { node in
      let ready = node.itemsAt("status", "conditions").first { $0.textAt("type") == "Ready" }?.textAt("status")
      let word = ready == "True" ? "Ready" : ready == nil ? "Unknown" : "NotReady"
      return .string(node.boolAt("spec", "unschedulable") ? word + ",SchedulingDisabled" : word)
    },
    TableColumn("Roles") { node in
      let prefix = "node-role.kubernetes.io/"
      let roles = node.metadataLabels.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        .sorted()
      return .string(roles.isEmpty ? "<none>" : roles.joined(separator: ","))
    },
    .age, BuiltinColumns.text("Version", "status", "nodeInfo", "kubeletVersion"), address("Internal-IP", "InternalIP"),
    address("External-IP", "ExternalIP"),
    BuiltinColumns.text("OS-Image", "status", "nodeInfo", "osImage", none: "<unknown>", priority: 1),
    BuiltinColumns.text("Kernel-Version", "status", "nodeInfo", "kernelVersion", none: "<unknown>", priority: 1),
    BuiltinColumns.text(
      "Container-Runtime", "status", "nodeInfo", "containerRuntimeVersion", none: "<unknown>", priority: 1),
  ]

  private static func address(_ name: String, _ type: String) -> TableColumn {
    TableColumn(name, priority: 1) { node in
      .string(node.itemsAt("status", "addresses").first { $0.textAt("type") == type }?.textAt("address") ?? "<none>")
    }
  }
}
