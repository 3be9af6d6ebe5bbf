import Foundation
import KubernetesModels
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

/// Properties that every object has which the operator writes.
struct ManifestTests {
  static let objects: [any KubernetesResource] = SamplePlatforms.all.flatMap(SamplePlatforms.objects)

  @Test func everyManifestIsValidForEveryVersionOfKubernetes() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rtx-manifests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (index, object) in Self.objects.enumerated() {
      try Data(object.json.serialized()).write(to: folder.appending(path: "\(index).json"))
    }
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let result = try await runProgram(
      root.appending(path: "hack/validate-manifests").path,
      [folder.path, root.appending(path: "config").path, root.appending(path: "crds").path])
    #expect(result.status == 0, "\(result.output)")
  }

  @Test func everyObjectIsLabelledAndOwnedUnlessItHoldsData() {
    for platform in SamplePlatforms.all {
      for object in Preflight.objects(of: platform) {
        let metadata = object.metadata
        let identity = ObjectWriter.identity(object)
        #expect(metadata.namespace == "rtx-trading", "\(identity)")
        #expect(metadata.name?.hasPrefix("trading-") == true, "\(identity)")
        #expect(metadata.labels?["app.kubernetes.io/managed-by"] == "rtx-operator", "\(identity)")
        #expect(metadata.labels?[PlatformConstants.platformLabel] == "trading", "\(identity)")
        let holdsData = object is PersistentVolumeClaim || object is Secret
        #expect((metadata.ownerReferences == nil) == holdsData, "\(identity)")
        #expect(Ownership.of(metadata, for: platform) == .ours, "\(identity)")
      }
    }
  }

  @Test func namesAreUniqueWithinAKind() {
    for platform in SamplePlatforms.all {
      let names = Preflight.objects(of: platform).map(ObjectWriter.identity)
      #expect(Set(names).count == names.count, "\(names.sorted())")
    }
  }

  /// Kubernetes: "Pod Security Standards", restricted. Sidecars are the user's.
  @Test func everyPodIsAdmittedByTheRestrictedStandard() throws {
    var checked = 0
    for object in Self.objects {
      guard let spec = podSpec(object) else { continue }
      checked += 1
      let security = try #require(spec.securityContext)
      #expect(security.runAsNonRoot == true && security.runAsUser ?? 0 > 0)
      #expect(security.seccompProfile?.type == "RuntimeDefault")
      for container in spec.containers + (spec.initContainers ?? []) where container.name != "proxy" {
        #expect(container.securityContext?.allowPrivilegeEscalation == false, "\(container.name)")
        #expect(container.securityContext?.capabilities?.drop == ["ALL"], "\(container.name)")
        #expect(container.securityContext?.readOnlyRootFilesystem == true, "\(container.name)")
        #expect(container.resources?.limits?["memory"] != nil, "\(container.name)")
        for variable in container.env ?? [] where variable.name.hasSuffix("PASSWORD") {
          #expect(variable.value == nil, "\(variable.name) stands in the manifest")
        }
      }
      for volume in spec.volumes ?? [] { #expect(volume.hostPath == nil) }
    }
    #expect(checked == 10)
  }

  @Test func everyServiceAndPolicySelectsPodsThatThereAre() throws {
    let platform = SamplePlatforms.plain()
    let pods = Preflight.objects(of: platform).compactMap(podLabels)
    for object in Preflight.objects(of: platform) {
      var selector: [String: String]?
      if let service = object as? Service { selector = service.spec?.selector }
      if let policy = object as? NetworkPolicy { selector = policy.spec?.podSelector?.matchLabels }
      if let budget = object as? PodDisruptionBudget { selector = budget.spec?.selector?.matchLabels }
      guard var selector else { continue }
      // Patroni sets it.
      selector[PlatformConstants.roleLabel] = nil
      #expect(
        pods.contains { labels in selector.allSatisfy { labels[$0.key] == $0.value } },
        "\(ObjectWriter.identity(object)) selects nothing")
    }
  }

  @Test func buildersGiveTheSameObjectsEachTime() {
    for platform in SamplePlatforms.all {
      #expect(SamplePlatforms.objects(platform).map(\.json) == SamplePlatforms.objects(platform).map(\.json))
    }
  }

  private func podSpec(_ object: any KubernetesResource) -> PodSpec? {
    if let deployment = object as? Deployment { return deployment.spec?.template.spec }
    if let statefulSet = object as? StatefulSet { return statefulSet.spec?.template.spec }
    if let cronJob = object as? CronJob { return cronJob.spec.jobTemplate.spec?.template.spec }
    return nil
  }

  private func podLabels(_ object: any KubernetesResource) -> [String: String]? {
    if let deployment = object as? Deployment { return deployment.spec?.template.metadata?.labels }
    if let statefulSet = object as? StatefulSet { return statefulSet.spec?.template.metadata?.labels }
    if let cronJob = object as? CronJob { return cronJob.spec.jobTemplate.spec?.template.metadata?.labels }
    return nil
  }
}
