import KubernetesModels
import RTXPlatformAPI

/// Who sets the Deployment's replicas: the operator, or the autoscaler.
///
/// Server-side apply removes a field that its owner leaves out, so replicas cannot simply be dropped from the apply once
/// an autoscaler is there: they would fall to 1 ("Server-Side Apply", transferring ownership). So: the Deployment is
/// created with replicas; then a field manager of its own takes a share in the field, at its current value; only then the
/// operator leaves it out. The annotation says how far this got, so that a crash between two writes repeats a step.
enum ReplicaOwnership {
  /// The field manager that keeps the replicas alive between the operator and the autoscaler.
  static let keeper = "rtx-operator-replicas"

  /// What the Deployment is applied with.
  struct Desired: Equatable {
    var owner: String
    /// Nil leaves the field out.
    var count: Int?

    static func byOperator(_ count: Int) -> Desired { Desired(owner: "operator", count: count) }
    static let byAutoscaler = Desired(owner: "autoscaler", count: nil)
  }

  enum Step: Equatable {
    case apply(Desired)
    /// Let `keeper` apply the current replicas, then apply without them.
    case handOver
  }

  static func next(_ platform: RTXPlatform, observed: Deployment?) -> Step {
    let wanted = platform.spec.backend.replicas
    guard platform.spec.backend.autoscaling.enabled, let observed else { return .apply(.byOperator(wanted)) }
    let owner = observed.metadata.annotations?[PlatformConstants.replicasOwnerAnnotation]
    return owner == Desired.byAutoscaler.owner ? .apply(.byAutoscaler) : .handOver
  }
}
