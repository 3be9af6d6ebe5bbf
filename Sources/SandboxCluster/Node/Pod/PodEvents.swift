import KubernetesClient
import KubernetesModels
import Logging

/// Events about pods, as `kubectl describe` shows them; one that repeats is counted, not written anew.
actor PodEvents {
  private struct Key: Hashable {
    var uid: String
    var container: String?
    var reason: String
    var message: String
  }

  private let client: KubernetesClient
  private let node: String
  private let logger: Logger
  private var written: [Key: (name: String, count: Int)] = [:]
  private var order: [Key] = []

  init(client: KubernetesClient, node: String, logger: Logger) {
    self.client = client
    self.node = node
    self.logger = logger
  }

  /// - Parameter container: the field path names it.
  func record(
    _ pod: Pod, container: Container? = nil, isInit: Bool = false, isWarning: Bool = false, reason: String,
    message: String
  ) async {
    let key = Key(uid: pod.metadata.uid ?? "", container: container?.name, reason: reason, message: message)
    let namespace = pod.metadata.namespace ?? ""
    let now = Timestamp.now
    do {
      if let (name, count) = written[key] {
        written[key] = (name, count + 1)
        let patch: JSONValue = [
          "count": .integer(Int64(count + 1)), "lastTimestamp": .string(now.description),
        ]
        _ = try await client.patch(CoreEvent.self, name, in: namespace, .merge(patch))
        return
      }
      let suffix = String(UInt64(MicroTime.now.microsecondsSinceEpoch), radix: 16)
      let name = "\(pod.metadata.name ?? "pod").\(suffix)\(String(written.count % 1000, radix: 16))"
      remember(key, name)
      let path = container.map { "spec.\(isInit ? "initContainers" : "containers"){\($0.name)}" }
      let event = CoreEvent(
        count: 1, firstTimestamp: now,
        involvedObject: ObjectReference(
          apiVersion: "v1", fieldPath: path, kind: "Pod", name: pod.metadata.name, namespace: namespace,
          resourceVersion: pod.metadata.resourceVersion, uid: pod.metadata.uid),
        lastTimestamp: now, message: String(message.prefix(1024)),
        metadata: ObjectMeta(name: name, namespace: namespace), reason: reason, reportingComponent: "kubelet",
        reportingInstance: node, source: EventSource(component: "kubelet", host: node),
        type: isWarning ? "Warning" : "Normal")
      _ = try await client.create(event)
    } catch {
      // An event is a help, not a duty: its namespace may be on its way out.
      written[key] = nil
      logger.debug("an event could not be written", metadata: ["reason": "\(reason)", "error": "\(error)"])
    }
  }

  private func remember(_ key: Key, _ name: String) {
    written[key] = (name, 1)
    order.append(key)
    if order.count > 2000 { written[order.removeFirst()] = nil }
  }
}
