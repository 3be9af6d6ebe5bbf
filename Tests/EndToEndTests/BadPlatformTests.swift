import Foundation
import Testing

extension EndToEnd {
  /// Bad input: refused at admission, or Stalled with a sentence; never half-applied.
  @Suite(.serialized, .enabled(if: TestCluster.hasKubectl, "needs kubectl"))
  struct BadPlatformTests {
    struct Refused: CustomStringConvertible, Sendable {
      var spec: String
      /// Words that the answer must hold: the field, and what to do.
      var says: [String]
      var name = "trading"
      var description: String { spec }
    }

    static let refusals: [Refused] = [
      Refused(spec: "{backend: {replicas: many}}", says: ["spec.backend.replicas"]),
      Refused(spec: "{backend: {replicas: 2.5}}", says: ["spec.backend.replicas"]),
      Refused(spec: "{backend: {replica: 3}}", says: ["unknown field \"spec.backend.replica\""]),
      Refused(spec: "{database: {}}", says: ["unknown field \"spec.database\""]),
      Refused(spec: "{paused: \"yes\"}", says: ["spec.paused"]),
      Refused(spec: "{backend: {replicas: -1}}", says: ["spec.backend.replicas", "greater than or equal to 0"]),
      Refused(spec: "{backend: {replicas: 20}}", says: ["spec.backend.replicas", "maxReplicas", "raise the maximum"]),
      Refused(
        spec: "{backend: {autoscaling: {minReplicas: 11}}}", says: ["minReplicas", "must not exceed maxReplicas"]),
      Refused(spec: "{backend: {image: \"\"}}", says: ["spec.backend.image"]),
      Refused(spec: "{backend: {port: 80}}", says: ["spec.backend.port", "1024"]),
      Refused(spec: "{backend: {priceFeed: BLOOMBERG}}", says: ["spec.backend.priceFeed", "OANDA", "SIM"]),
      Refused(spec: "{backend: {logLevel: chatty}}", says: ["spec.backend.logLevel"]),
      Refused(spec: "{backend: {executionMode: ABOOK}}", says: ["spec.backend.executionMode"]),
      Refused(spec: "{rollout: {maxSurge: 0}}", says: ["spec.rollout.maxSurge", "must not be 0"]),
      Refused(spec: "{postgres: {instances: 0}}", says: ["spec.postgres.instances"]),
      Refused(spec: "{postgres: {instances: 1}}", says: ["spec.postgres.instances", "synchronous"]),
      Refused(spec: "{postgres: {failover: {ttlSeconds: 5}}}", says: ["ttlSeconds", "20"]),
      Refused(
        spec: "{postgres: {failover: {retryTimeoutSeconds: 30}}}", says: ["ttlSeconds", "loopWaitSeconds"]),
      Refused(spec: "{postgres: {database: \"drop table\"}}", says: ["spec.postgres.database"]),
      Refused(spec: "{postgres: {storage: {size: lots}}}", says: ["spec.postgres.storage.size"]),
      Refused(spec: "{redis: {storage: {size: -1Gi}}}", says: ["spec.redis.storage.size"]),
      Refused(spec: "{backup: {schedule: \"every hour\"}}", says: ["spec.backup.schedule"]),
      Refused(spec: "{backup: {retentionDays: 0}}", says: ["spec.backup.retentionDays"]),
      Refused(spec: "{network: {ingress: {enabled: true}}}", says: ["spec.network.ingress", "host"]),
      Refused(spec: "{network: {ingress: {host: \"not a host\"}}}", says: ["spec.network.ingress.host"]),
      Refused(
        spec: "{postgres: {external: {host: db.example.com}}}", says: ["spec.security", "credentialsSecretName"]),
      Refused(spec: "{deletionPolicy: Maybe}", says: ["spec.deletionPolicy", "Retain", "Delete"]),
      Refused(spec: "{}", says: ["metadata.name", "40"], name: String(repeating: "x", count: 41)),
      Refused(spec: "{}", says: ["metadata.name", "begin with a letter"], name: "1st"),
    ]

    static func manifest(_ name: String, _ spec: String, namespace: String) -> String {
      OperatorProcessTests.platform(name, namespace: namespace, spec: spec)
    }

    @Test(arguments: refusals) func isRefusedAtAdmission(_ refused: Refused) async throws {
      let cluster = try await SharedClusters.shared.simulated()
      let result = await cluster.kubectl(
        "apply", "-f", "-", input: Self.manifest(refused.name, refused.spec, namespace: "refused"))
      #expect(!result.succeeded, "\(result.everything)")
      for words in refused.says { #expect(result.errors.contains(words), "\(result.errors)") }
      #expect(try await cluster.run("-n", "refused", "get", "rtx", "-o", "name").isEmpty)
    }

    @Test func immutableFieldsAndShrinkingDisksAreRefused() async throws {
      let cluster = try await SharedClusters.shared.simulated()
      try await cluster.run(
        "apply", "-f", "-",
        input: Self.manifest(
          "changed", "{postgres: {storage: {size: 50Gi, storageClassName: standard}}}", namespace: "changes"))
      for (spec, says) in [
        ("{postgres: {storage: {size: 20Gi, storageClassName: standard}}}", "shrink"),
        ("{postgres: {storage: {size: 50Gi, storageClassName: other}}}", "storageClassName"),
        ("{postgres: {database: other, storage: {size: 50Gi, storageClassName: standard}}}", "spec.postgres.database"),
      ] {
        let result = await cluster.kubectl(
          "apply", "-f", "-", input: Self.manifest("changed", spec, namespace: "changes"))
        #expect(!result.succeeded && result.errors.contains(says), "\(result.everything)")
      }
      try await cluster.run("delete", "namespace", "changes", "--wait=false")
    }

    /// What only the reconcile can see. Nothing of the platform may exist afterwards.
    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        (
          "secret-missing", "{backend: {priceFeed: SIM}, security: {credentialsSecretName: nowhere}}", "",
          ["spec.security.credentialsSecretName", "nowhere"]
        ),
        (
          "key-missing", "{backend: {priceFeed: SIM}, security: {credentialsSecretName: partial}}",
          "apiVersion: v1\nkind: Secret\nmetadata: {name: partial, namespace: key-missing}\nstringData: {DB_USER: rtx}\n---\n",
          ["partial", "DB_PASSWORD"]
        ),
        ("bad-cron", "{backend: {priceFeed: SIM}, backup: {schedule: \"61 * * * *\"}}", "", ["spec.backup.schedule"]),
        (
          "limits", "{backend: {priceFeed: SIM, resources: {requests: {cpu: \"2\"}, limits: {cpu: \"1\"}}}}", "",
          ["spec.backend.resources"]
        ),
        (
          "taken", "{backend: {priceFeed: SIM}}",
          """
          apiVersion: v1
          kind: Service
          metadata: {name: trading-backend, namespace: taken}
          spec: {ports: [{port: 80}]}
          ---

          """, ["trading-backend", "taken"]
        ),
      ])
    func isStalledWithASentence(_ namespace: String, _ spec: String, _ before: String, _ says: [String]) async throws {
      let cluster = try await SharedClusters.shared.simulated()
      let running = try await OperatorProcessTests.start(cluster, identity: "bad")
      try await cluster.run("create", "namespace", namespace)
      try await cluster.run("apply", "-f", "-", input: before + Self.manifest("trading", spec, namespace: namespace))
      let message = try await eventually("Stalled says why") { () -> String? in
        let text = try await cluster.run(
          "-n", namespace, "get", "rtx", "trading", "-o",
          #"jsonpath={.status.conditions[?(@.type=="Stalled")].status} {.status.conditions[?(@.type=="Stalled")].message}"#
        )
        return text.hasPrefix("True ") ? text : nil
      }
      for words in says { #expect(message.contains(words), "\(message)") }
      #expect(try await OperatorProcessTests.objects(cluster, namespace).isEmpty)
      running.signal(SIGTERM)
      try await cluster.run("delete", "namespace", namespace, "--wait=false")
    }
  }
}
