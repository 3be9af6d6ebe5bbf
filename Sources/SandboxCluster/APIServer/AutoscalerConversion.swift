import KubernetesModels

/// autoscaling/v1 on top of the autoscaling/v2 that is stored: v1 knows one CPU target; other metrics travel in an
/// annotation (autoscaling/v1 conversion).
enum AutoscalerConversion {
  private static let metricsKey = "autoscaling.alpha.kubernetes.io/metrics"
  private static let behaviorKey = "autoscaling.alpha.kubernetes.io/behavior"

  static func toV1(_ stored: JSONValue) -> JSONValue {
    var object = stored
    object["apiVersion"] = "autoscaling/v1"
    let metrics = stored.itemsAt("spec", "metrics")
    let target = metrics.first(where: isCPUTarget)?.at("resource", "target", "averageUtilization")
    object.set(nil, at: ["spec", "metrics"])
    object.set(target, at: ["spec", "targetCPUUtilizationPercentage"])
    let others = metrics.filter { !isCPUTarget($0) }
    if !others.isEmpty {
      object.set(.string(JSONValue.array(others).serializedString()), at: ["metadata", "annotations", metricsKey])
    }
    if let behavior = stored.at("spec", "behavior") {
      object.set(nil, at: ["spec", "behavior"])
      object.set(.string(behavior.serializedString()), at: ["metadata", "annotations", behaviorKey])
    }
    let current = stored.itemsAt("status", "currentMetrics").first { $0.textAt("resource", "name") == "cpu" }
    object.set(
      current?.at("resource", "current", "averageUtilization"), at: ["status", "currentCPUUtilizationPercentage"])
    object.set(nil, at: ["status", "currentMetrics"])
    object.set(nil, at: ["status", "conditions"])
    return object
  }

  static func toV2(_ object: JSONValue) -> JSONValue {
    var stored = object
    stored["apiVersion"] = "autoscaling/v2"
    var metrics: [JSONValue] = []
    if let percent = object.at("spec", "targetCPUUtilizationPercentage") {
      let target: JSONValue = ["type": "Utilization", "averageUtilization": percent]
      metrics.append(["type": "Resource", "resource": ["name": "cpu", "target": target]])
    }
    stored.set(nil, at: ["spec", "targetCPUUtilizationPercentage"])
    if let text = object.textAt("metadata", "annotations", metricsKey), let others = try? JSONValue(parsing: text) {
      metrics += others.arrayValue ?? []
    }
    if let text = object.textAt("metadata", "annotations", behaviorKey), let behavior = try? JSONValue(parsing: text) {
      stored.set(behavior, at: ["spec", "behavior"])
    }
    for key in [metricsKey, behaviorKey] { stored.set(nil, at: ["metadata", "annotations", key]) }
    if !metrics.isEmpty { stored.set(.array(metrics), at: ["spec", "metrics"]) }
    return stored
  }

  private static func isCPUTarget(_ metric: JSONValue) -> Bool {
    metric.textAt("resource", "name") == "cpu" && metric.at("resource", "target", "averageUtilization") != nil
  }
}
