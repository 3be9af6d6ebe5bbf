import KubernetesClient
import KubernetesModels
import RTXPlatformAPI

/// Whether a namespace's quotas leave room for a second colour (Kubernetes: "Resource Quotas").
struct ResourceQuotas: Sendable {
  let platform: RTXPlatform
  let client: KubernetesClient

  private static let type = ResourceType(
    group: "", version: "v1", kind: "ResourceQuota", plural: "resourcequotas")

  /// - Returns: What does not fit, with the remedy; nil when all does, or when quotas may not be read.
  func obstacle(toRunning count: Int) async throws -> String? {
    let quotas: [DynamicObject]
    do {
      quotas = try await client.list(Self.type, in: platform.namespace).items
    } catch let error as KubernetesError where error.isForbidden || error.isNotFound {
      return nil
    }
    let needed = needs(of: count)
    for quota in quotas {
      let status = quota.json["status"]
      for (name, need) in needed.sorted(by: { $0.key < $1.key }) {
        guard let hard = quantity(status?["hard"]?[name]), let used = quantity(status?["used"]?[name]),
          need > hard - used
        else { continue }
        let free = hard - used
        return
          "ResourceQuota \(quota.json["metadata"]?["name"]?.stringValue ?? "") leaves \(free) of \(name) and a second "
          + "colour needs \(need): raise it, or set spec.rollout.strategy: RollingUpdate"
      }
    }
    return nil
  }

  private func needs(of count: Int) -> [String: Quantity] {
    var needed: [String: Quantity] = ["pods": Quantity(count), "count/pods": Quantity(count)]
    let resources = platform.spec.backend.resources
    for (kind, amounts) in [("requests", resources.requests), ("limits", resources.limits)] {
      for (name, amount) in amounts ?? [:] {
        let all = (0..<count).reduce(Quantity.zero) { sum, _ in sum + amount }
        needed["\(kind).\(name)"] = all
        if kind == "requests" { needed[name] = all }
      }
    }
    return needed
  }

  private func quantity(_ value: JSONValue?) -> Quantity? {
    (value?.stringValue).flatMap { try? Quantity(parsing: $0) }
  }
}
