import KubernetesModels

extension KubernetesModels.LabelSelector {
  /// Whether an object with these labels is chosen (Kubernetes: "Labels and Selectors"). An empty selector chooses all.
  func selects(_ labels: [String: String]?) -> Bool {
    let labels = labels ?? [:]
    guard (matchLabels ?? [:]).allSatisfy({ labels[$0.key] == $0.value }) else { return false }
    return (matchExpressions ?? []).allSatisfy { requirement in
      let value = labels[requirement.key]
      let values = requirement.values ?? []
      switch requirement.operator {
      case "In": return value.map(values.contains) ?? false
      case "NotIn": return value.map { !values.contains($0) } ?? true
      case "Exists": return value != nil
      case "DoesNotExist": return value == nil
      default: return false
      }
    }
  }

  /// Whether it says nothing; workload controllers then choose nothing instead of everything.
  var isEmptySelector: Bool { (matchLabels ?? [:]).isEmpty && (matchExpressions ?? []).isEmpty }

  /// The form that `labelSelector` query items and scale statuses have.
  var queryText: String {
    let equalities = (matchLabels ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let expressions = (matchExpressions ?? []).map { requirement in
      let values = (requirement.values ?? []).joined(separator: ",")
      return switch requirement.operator {
      case "In": "\(requirement.key) in (\(values))"
      case "NotIn": "\(requirement.key) notin (\(values))"
      case "Exists": requirement.key
      default: "!\(requirement.key)"
      }
    }
    return (equalities + expressions).joined(separator: ",")
  }
}
