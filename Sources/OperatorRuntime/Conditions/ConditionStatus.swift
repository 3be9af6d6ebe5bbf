/// The three values of a condition's status (Kubernetes API conventions: "Typical status properties").
public enum ConditionStatus: String, Sendable, Hashable {
  case isTrue = "True"
  case isFalse = "False"
  case unknown = "Unknown"
}
