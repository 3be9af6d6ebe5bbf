import Foundation
import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import OperatorTestKit
import Testing

/// The operator of the tutorial does what the tutorial says, and its code is the article's.
@Suite(.timeLimit(.minutes(1))) struct TutorialTests {
  @Test func websiteIsServedRepairedAndReported() async throws {
    let server = try TestAPIServer()
    let client = server.client
    try await CustomResourceInstaller(client: client, fieldManager: "website-operator")
      .install([.definition(Website.resourceType)])
    var quiet = Logger(label: "test")
    quiet.logLevel = .error
    let faults = FaultInjector(server.transport)
    let manager = websiteOperator(
      client: KubernetesClient(transport: faults), logger: quiet,
      options: ManagerOptions(
        healthPort: nil, metricsPort: nil,
        leaderElection: LeaderElectionOptions(
          lease: ObjectKey(namespace: "default", name: "website-operator"), identity: "me"), signals: []))
    let run = Task { try await manager.run() }
    defer { run.cancel() }

    let site = Website(
      metadata: ObjectMeta(name: "home", namespace: "default"), spec: Website.Spec(text: "hello", replicas: 2))
    try await client.create(site)
    @Sendable func condition(_ type: String) async throws -> Condition? {
      try await client.get(Website.self, "home", in: "default").status?.conditions?[type]
    }
    #expect(try await eventually { try await condition("Ready")?.message == "0 of 2 are ready" })
    #expect(try await client.get(ConfigMap.self, "home-page", in: "default").data == ["index.html": "hello"])

    // Nobody runs deployments here; this is what its controller would report.
    var deployment = try await client.get(Deployment.self, "home-server", in: "default")
    #expect(deployment.spec?.replicas == 2)
    deployment.status = DeploymentStatus(readyReplicas: 2, replicas: 2)
    try await client.replaceStatus(deployment)
    #expect(try await eventually { try await condition("Ready")?.status == "True" })
    #expect(try await condition("Reconciling") == nil)

    // Somebody edits it by hand: it is put back.
    let _: ConfigMap = try await client.patch(
      ConfigMap.self, "home-page", in: "default", .merge(["data": ["index.html": "hacked"]]))
    #expect(
      try await eventually {
        try await client.get(ConfigMap.self, "home-page", in: "default").data == ["index.html": "hello"]
      })

    // Nothing to do: no writes but the lease's.
    let before = faults.writes.filter { !$0.contains("/leases/") }.count
    let _: Website = try await client.patch(
      Website.self, "home", in: "default", .merge(["metadata": ["labels": ["a": "b"]]]))
    let _: Deployment = try await client.patch(
      Deployment.self, "home-server", in: "default", .merge(["metadata": ["annotations": ["a": "b"]]]))
    let last: Website = try await client.patch(
      Website.self, "home", in: "default", .merge(["spec": ["text": ""]]))
    #expect(try await eventually { try await condition("Stalled")?.message == "spec.text: is empty; write something" })
    #expect(try await condition("Stalled")?.observedGeneration == last.metadata.generation)
    #expect(faults.writes.filter { !$0.contains("/leases/") }.count == before + 1)

    manager.stop()
    try await run.value
  }

  @Test func codeOfTheArticleIsTheCodeThatRuns() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let code = try String(contentsOf: folder.appending(path: "WebsiteOperator.swift"), encoding: .utf8)
    let article = try String(
      contentsOf: folder.appending(path: "../../../Sources/OperatorRuntime/OperatorRuntime.docc/BuildAnOperator.md"),
      encoding: .utf8)
    let blocks = article.components(separatedBy: "```swift\n").dropFirst().map {
      $0.components(separatedBy: "```")[0]
    }
    #expect(blocks.filter { !$0.hasPrefix("// main.swift") }.joined(separator: "\n") == code)
    #expect(code.split(separator: "\n").count < 120)
  }
}
