import KubernetesModels
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

struct ReplicaOwnershipTests {
  private func deployment(_ owner: String?) -> Deployment {
    Deployment(
      metadata: ObjectMeta(annotations: owner.map { [PlatformConstants.replicasOwnerAnnotation: $0] }, name: "b"))
  }

  @Test func theAutoscalerGetsTheReplicasOnlyAfterAHandOver() {
    let platform = SamplePlatforms.plain()
    #expect(ReplicaOwnership.next(platform, observed: nil) == .apply(.byOperator(3)))
    #expect(ReplicaOwnership.next(platform, observed: deployment("operator")) == .handOver)
    #expect(ReplicaOwnership.next(platform, observed: deployment(nil)) == .handOver)
    #expect(ReplicaOwnership.next(platform, observed: deployment("autoscaler")) == .apply(.byAutoscaler))
  }

  @Test func withoutAnAutoscalerTheOperatorSetsThem() {
    let platform = SamplePlatforms.plain {
      $0.spec.backend.autoscaling.enabled = false
      $0.spec.backend.replicas = 5
    }
    for owner in [nil, "operator", "autoscaler"] {
      #expect(ReplicaOwnership.next(platform, observed: deployment(owner)) == .apply(.byOperator(5)))
    }
  }

  @Test func leftToTheAutoscalerTheManifestHasNoReplicas() {
    let objects = BackendObjects(platform: SamplePlatforms.plain(), checksum: "", replicas: .byAutoscaler)
    #expect(objects.deployment.json.value(at: ["spec", "replicas"]) == nil)
  }
}
