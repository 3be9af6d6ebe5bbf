import KubernetesClient
import KubernetesModels
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

/// Whole releases, against an API server with controllers and simulated pods.
struct ReleaseTests {
  /// A platform that serves its first release.
  private func serving(
    rollout: [String: JSONValue] = [:], _ body: @escaping @Sendable (ReleaseCluster) async throws -> Void
  ) async throws {
    let release = try await ReleaseCluster()
    try await release.run {
      try await release.apply(image: "rtx:1", rollout: rollout)
      let first = try await release.ended(.succeeded, image: "rtx:1")
      #expect(first.colour == "blue")
      try await body(release)
    }
  }

  @Test(.timeLimit(.minutes(2))) func anImageGoesToTheOtherColourAndBack() async throws {
    try await serving { release in
      let webhook = Secret(
        metadata: ObjectMeta(name: "slack", namespace: ReleaseCluster.namespace),
        stringData: ["url": "https://hooks.example.com/T0/B0"])
      _ = try await release.admin.create(webhook)
      release.servers.refuse(1)
      let outages = try await release.watched {
        try await release.apply(image: "rtx:2")
        let second = try await release.ended(.succeeded, image: "rtx:2")
        #expect(second.colour == "green")
        try await release.apply(image: "rtx:3")
        let third = try await release.ended(.succeeded, image: "rtx:3")
        #expect(third.colour == "blue")
      }
      #expect(outages == [])
      let status = try #require(try await release.status())
      #expect(status.stableColour == "blue" && status.history?.map(\.image) == ["rtx:3", "rtx:2", "rtx:1"])
      try await eventually("the webhook has heard of both") {
        let notices = release.servers.notices
        return ["rtx:2", "rtx:3"].allSatisfy { image in
          notices.contains { $0.contains("rtx-trading/trading: release") && $0.contains("(\(image)) succeeded") }
        }
      }
      #expect(try await release.pods("green").isEmpty)
      #expect(try await release.pods("blue").allSatisfy { $0.spec?.containers.first?.image == "rtx:3" })
    }
  }

  @Test(.timeLimit(.minutes(2))) func aPlatformWithReleasesCanBeDeleted() async throws {
    try await serving { release in
      try await release.admin.delete(RTXPlatform.self, "trading", in: ReleaseCluster.namespace)
      try await eventually("it is gone, with the pods of its Jobs") {
        try await release.admin.getIfPresent(RTXPlatform.self, "trading", in: ReleaseCluster.namespace) == nil
      }
      try await eventually("no pod is left") {
        try await release.admin.list(Pod.self, in: ReleaseCluster.namespace).items.isEmpty
      }
    }
  }

  @Test(.timeLimit(.minutes(3))) func failingMigrationsAndPodsThatNeverBecomeReadyGoBack() async throws {
    try await serving { release in
      let outages = try await release.watched {
        // No node has this label; the Jobs of a release do not ask for it.
        let terms: JSONValue = [["matchExpressions": [["key": "nowhere", "operator": "Exists"]]]]
        let nowhere: JSONValue = [
          "nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": terms]]
        ]
        try await release.apply(
          image: "rtx:2", rollout: ["progressDeadlineSeconds": 60], more: ["affinity": nowhere])
        let unready = try await release.ended(.failed, image: "rtx:2", within: .seconds(100))
        #expect(unready.reason == "not ready after 60 s")

        try await release.apply(image: "rtx:3")
        var job = try await eventually("the migrations run") {
          try await release.admin.getIfPresent(Job.self, "trading-release-3-expand", in: ReleaseCluster.namespace)
        }
        job.status = JobStatus(
          conditions: ["FailureTarget", "Failed"].map {
            JobCondition(message: "relation exists", reason: "BackoffLimitExceeded", status: "True", type: $0)
          }, failed: 3, startTime: .now)
        job.metadata.resourceVersion = nil
        _ = try await release.admin.replaceStatus(job)
        let failed = try await release.ended(.failed, image: "rtx:3")
        #expect(
          failed.reason == "expand migrations: relation exists; see kubectl logs job/trading-release-3-expand")
      }
      #expect(outages == [])
      #expect(try await release.liveColour() == "blue")
    }
  }

  @Test(.timeLimit(.minutes(2))) func theNewColourHasTheLiveOnesSizeAndTheAutoscalerFollows() async throws {
    let release = try await ReleaseCluster()
    try await release.run {
      let scaling: JSONValue = ["enabled": true, "minReplicas": 2, "maxReplicas": 8]
      try await release.apply(image: "rtx:1", more: ["autoscaling": scaling])
      _ = try await release.ended(.succeeded, image: "rtx:1")
      // As the autoscaler would.
      _ = try await release.admin.patch(
        Deployment.self, "trading-backend-blue", in: ReleaseCluster.namespace, .merge(["spec": ["replicas": 5]]))
      try await eventually("five serve") { try await release.pods("blue").filter(PodState.isReady).count == 5 }
      try await release.apply(image: "rtx:2", more: ["autoscaling": scaling])
      _ = try await release.ended(.succeeded, image: "rtx:2")
      #expect(try await release.pods("green").count == 5)
      let autoscaler = try await release.admin.get(
        HorizontalPodAutoscaler.self, "trading-backend", in: ReleaseCluster.namespace)
      #expect(autoscaler.spec.scaleTargetRef.name == "trading-backend-green")
      let budgets = try await release.admin.list(PodDisruptionBudget.self, in: ReleaseCluster.namespace).items
      let selectors = budgets.compactMap { $0.spec?.selector?.matchLabels?[PlatformConstants.colourLabel] }
      #expect(selectors == ["green"], "one pod, one budget: \(selectors)")
    }
  }

  @Test(.timeLimit(.minutes(2))) func aFailingSmokeTestLeavesTheLiveColourAloneUntilARetry() async throws {
    try await serving { release in
      let outages = try await release.watched {
        release.servers.status = 500
        try await release.apply(image: "rtx:2")
        let failed = try await release.ended(.failed, image: "rtx:2")
        #expect(failed.reason == "smoke tests: GET /health: status 500 instead of 200")
        #expect(try await release.liveColour() == "blue")
      }
      #expect(outages == [])
      try await eventually("green is gone") { try await release.pods("green").isEmpty }
      // What is to wake somebody up, and what is not: the platform serves.
      try await eventually("it is degraded") { try await release.cluster.platform().status?.phase == "Degraded" }
      #expect(try await release.cluster.condition(.ready)?.status == "True")
      #expect(try await release.cluster.condition(.stalled)?.reason == "ReleaseFailed")
      #expect(try await release.cluster.condition(.released)?.status == "False")
      // Not tried again by itself, also when it would work now.
      release.servers.status = 200
      let status = try #require(try await release.status())
      let revision = try #require(status.failedRevision)
      #expect(status.message?.contains("retry \(revision)") == true, "\(status)")
      _ = try await release.cluster.settled()
      #expect(try await release.status()?.step == "Idle")
      try await release.wish("retry \(revision)")
      _ = try await release.ended(.succeeded, image: "rtx:2")
      try await eventually("all is well") { try await release.cluster.condition(.released)?.status == "True" }
      try await eventually("the annotation is taken off") {
        try await release.cluster.platform().metadata.annotations?[PlatformConstants.releaseAnnotation] == nil
      }
    }
  }

  @Test(.timeLimit(.minutes(2))) func errorsAfterTheSwitchGiveTheRequestsBack() async throws {
    try await serving(rollout: ["watchSeconds": 600]) { release in
      let outages = try await release.watched {
        try await release.apply(image: "rtx:2", rollout: ["watchSeconds": 600])
        try await release.eventually("green is watched") { $0.step == "Watching" }
        #expect(try await release.liveColour() == "green")
        release.servers.fail(try await release.addresses("green"), requests: 50)
        try await eventually("blue is live again") { try await release.liveColour() == "blue" }
      }
      #expect(outages == [])
      let failed = try await release.ended(.failed, image: "rtx:2")
      #expect(failed.reason?.contains("5 % of 3000 requests failed since the switch") == true, "\(failed)")
    }
  }

  @Test(.timeLimit(.minutes(2))) func whatPrometheusSaysGivesTheRequestsBack() async throws {
    try await serving { release in
      let token = Secret(
        data: ["token": SecretData.encode("let me in")],
        metadata: ObjectMeta(name: "prometheus", namespace: ReleaseCluster.namespace))
      let rollout: [String: JSONValue] = [
        "watchSeconds": 1,
        "prometheus": [
          "address": "http://prometheus", "tokenSecretName": "prometheus",
          "queries": [["name": "lag", "query": "max(lag{colour=\"{{colour}}\"})", "maximum": 2.5]],
        ],
      ]
      let outages = try await release.watched {
        release.servers.queried = ""
        try await release.apply(image: "rtx:2", rollout: rollout)
        // However long it takes, a release is not good because nobody says that it is bad.
        try await release.eventually("the token is asked for") {
          $0.step == "Watching" && $0.message?.contains("Secret prometheus with the key token") == true
        }
        try await release.admin.create(token)
        try await release.eventually("it is said that Prometheus is silent") {
          $0.step == "Watching" && $0.message?.contains("Prometheus does not answer the query 'lag'") == true
        }
        release.servers.queried = "3"
        try await eventually("blue is live again") { try await release.liveColour() == "blue" }
      }
      #expect(outages == [])
      let failed = try await release.ended(.failed, image: "rtx:2")
      #expect(failed.reason == "the query 'lag' gives 3; the limit is 2.5")
      #expect(
        release.servers.queries.last
          == "Bearer let me in /api/v1/query?query=max%28lag%7Bcolour%3D%22green%22%7D%29")

      release.servers.queried = "2.5"
      try await release.apply(image: "rtx:3", rollout: rollout)
      _ = try await release.ended(.succeeded, image: "rtx:3")
    }
  }

  @Test(.timeLimit(.minutes(2))) func slowAnswersAndADeadContainerGiveTheRequestsBackToo() async throws {
    try await serving { release in
      try await release.apply(image: "rtx:2", rollout: ["watchSeconds": 600])
      try await release.eventually("green is watched") { $0.step == "Watching" }
      release.servers.slow(try await release.addresses("green"), to: 0.5)
      let slow = try await release.ended(.failed, image: "rtx:2")
      #expect(slow.reason?.contains("p99 is") == true, "\(slow)")

      try await release.apply(image: "rtx:3", rollout: ["watchSeconds": 600])
      let watching = try await release.eventually("green is watched") { $0.step == "Watching" && $0.image == "rtx:3" }
      var pod = try await release.pods("green")[0]
      pod.status?.containerStatuses?[0].restartCount = 1
      pod.status?.containerStatuses?[0].lastState = ContainerState(
        terminated: ContainerStateTerminated(
          exitCode: 137, finishedAt: (watching.since ?? .now) + .seconds(2), reason: "OOMKilled"))
      _ = try await release.admin.replaceStatus(pod)
      let killed = try await release.ended(.failed, image: "rtx:3")
      #expect(killed.reason?.contains("OOMKilled, exit code 137") == true, "\(killed)")
      #expect(try await release.liveColour() == "blue")
    }
  }

  @Test(.timeLimit(.minutes(2))) func nothingSwitchesWithoutApprovalAndTheApproverIsRecorded() async throws {
    try await serving { release in
      let rollout: [String: JSONValue] = ["autoPromote": false, "watchSeconds": 600]
      try await release.apply(image: "rtx:2", rollout: rollout)
      let waiting = try await release.eventually("it waits") { $0.step == "AwaitingApproval" }
      let revision = try #require(waiting.revision)
      #expect(waiting.message?.contains("approve \(revision)") == true, "\(waiting)")
      try await release.wish("approve somethingelse")
      _ = try await release.cluster.settled()
      #expect(try await release.status()?.step == "AwaitingApproval")
      #expect(try await release.liveColour() == "blue")

      try await release.wish("approve \(revision)")
      try await release.eventually("green is watched") { $0.step == "Watching" }
      #expect(try await release.liveColour() == "green")
      try await release.wish("rollback \(revision)")
      try await eventually("blue is live again") { try await release.liveColour() == "blue" }
      let record = try await release.ended(.rolledBack, image: "rtx:2")
      // The name that the API server recorded for the writes of this test's client.
      #expect(record.approver?.contains(" at 20") == true, "\(record)")
      #expect(record.reason?.hasPrefix("rolled back by ") == true, "\(record)")
    }
  }

  @Test(.timeLimit(.minutes(2))) func aNewerImageInTheMiddleStartsFromTheStableColour() async throws {
    try await serving { release in
      let outages = try await release.watched {
        try await release.apply(image: "rtx:2", rollout: ["autoPromote": false])
        try await release.eventually("it waits") { $0.step == "AwaitingApproval" }
        try await release.apply(image: "rtx:3", rollout: ["watchSeconds": 600])
        try await release.eventually("the newer one is watched") { $0.step == "Watching" && $0.image == "rtx:3" }
        // Back to what served before: the spec rules, not the colours.
        try await release.apply(image: "rtx:1", rollout: ["watchSeconds": 600])
        _ = try await release.ended(.rolledBack, image: "rtx:3")
      }
      #expect(outages == [])
      let status = try #require(try await release.status())
      #expect(status.history?.map(\.outcome) == ["RolledBack", "Superseded", "Succeeded"])
      #expect(try await release.liveColour() == "blue")
      #expect(status.failedRevision == nil)
    }
  }

  @Test(.timeLimit(.minutes(2))) func theOldColourSendsItsClientsAwayUntilItHasToTakeThemBack() async throws {
    try await serving { release in
      let old = Set(try await release.addresses("blue"))
      try await release.apply(image: "rtx:1b", rollout: ["watchSeconds": 600])
      let watched = try await release.eventually("green is watched") { $0.step == "Watching" }
      try await eventually("every pod was told") { release.servers.drained == old }
      try await release.wish("rollback \(watched.revision ?? "")")
      _ = try await release.ended(.rolledBack, image: "rtx:1b")
      #expect(release.servers.drained == [])
      try await release.apply(image: "rtx:2", rollout: ["scaleDownDelaySeconds": 600])
      try await release.eventually("blue is drained") { $0.step == "Draining" }
      try await eventually("every pod was told") { release.servers.drained == old }
      #expect(try await release.pods("blue").count == 3)
      let revision = try #require(try await release.status()?.revision)
      try await release.wish("skip \(revision)")
      _ = try await release.ended(.succeeded, image: "rtx:2")
    }
  }

  @Test(.timeLimit(.minutes(2))) func aRollbackDoesNotWaitForServersThatDoNotTellTheirFigures() async throws {
    try await serving { release in
      release.servers.fallSilent()
      try await release.apply(image: "rtx:2", rollout: ["watchSeconds": 600])
      let watched = try await release.eventually("green is watched") { $0.step == "Watching" }
      try await release.wish("rollback \(watched.revision ?? "")")
      _ = try await release.ended(.rolledBack, image: "rtx:2")
      #expect(try await release.liveColour() == "blue")
    }
  }

  @Test(.timeLimit(.minutes(2))) func whatOthersEditOrDeleteIsPutRight() async throws {
    try await serving { release in
      try await release.apply(image: "rtx:2", rollout: ["watchSeconds": 600])
      try await release.eventually("green is watched") { $0.step == "Watching" }
      for selector: JSONValue in [
        ["rtx.trading/colour": "blue"], ["rtx.trading/colour": "red"], ["rtx.trading/colour": .null],
      ] {
        _ = try await release.admin.patch(
          Service.self, "trading-backend", in: ReleaseCluster.namespace, .merge(["spec": ["selector": selector]]))
        try await eventually("green is live again") { try await release.liveColour() == "green" }
      }
      try await release.admin.delete(Deployment.self, "trading-backend-green", in: ReleaseCluster.namespace)
      try await eventually("blue takes over") { try await release.liveColour() == "blue" }
      #expect(try await release.status()?.step != "Retiring")
    }
  }

  @Test(.timeLimit(.minutes(2))) func freezeWindowsAndQuotasHoldAReleaseBack() async throws {
    try await serving { release in
      let days: JSONValue = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
      let always: JSONValue = [["days": days, "from": "00:00", "to": "00:00"]]
      try await release.apply(image: "rtx:2", rollout: ["windows": always])
      let frozen = try await release.eventually("it waits") { $0.step == "AwaitingApproval" }
      #expect(frozen.message?.contains("freeze window") == true || frozen.message?.contains("are ready") == true)
      _ = try await release.cluster.settled()
      #expect(try await release.liveColour() == "blue")
      try await release.wish("abort \(frozen.revision ?? "")")
      _ = try await release.ended(.aborted, image: "rtx:2")

      let quota: JSONValue = [
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": ["name": "small", "namespace": .string(ReleaseCluster.namespace)],
        "spec": ["hard": ["pods": "6"]],
      ]
      let type = ResourceType(group: "", version: "v1", kind: "ResourceQuota", plural: "resourcequotas")
      _ = try await release.admin.create(type, DynamicObject(quota))
      let full: JSONValue = ["status": ["hard": ["pods": "6"], "used": ["pods": "5"]]]
      _ = try await release.admin.patch(
        type, "small", in: ReleaseCluster.namespace, .merge(full), subresource: "status")
      try await release.apply(image: "rtx:3")
      let blocked = try await release.eventually("it does not begin") {
        $0.message?.contains("ResourceQuota small leaves 1 of pods") == true
      }
      #expect(blocked.step == "Idle")
      try await release.admin.delete(type, "small", in: ReleaseCluster.namespace)
      _ = try await release.ended(.succeeded, image: "rtx:3")
    }
  }

  @Test(.timeLimit(.minutes(2))) func aRunningPlatformTakesUpColoursAndLeavesThemAgain() async throws {
    let release = try await ReleaseCluster()
    try await release.run {
      try await release.apply(image: "rtx:1", strategy: "RollingUpdate")
      try await eventually("it serves pod by pod", within: .seconds(30)) {
        try await release.cluster.condition(.backendReady)?.status == "True"
      }
      let outages = try await release.watched {
        try await release.apply(image: "rtx:1")
        let adopted = try await release.eventually("it is taken over") { $0.stableColour == "plain" }
        #expect(adopted.step == "Idle")
        try await release.apply(image: "rtx:2")
        _ = try await release.ended(.succeeded, image: "rtx:2")
        #expect(try await release.liveColour() == "blue")
        try await eventually("the one Deployment is gone") {
          try await release.admin.getIfPresent(Deployment.self, "trading-backend", in: ReleaseCluster.namespace) == nil
        }
        try await release.apply(image: "rtx:2", strategy: "RollingUpdate")
        try await eventually("colours are left behind", within: .seconds(30)) { try await release.status() == nil }
      }
      #expect(outages == [])
      #expect(try await release.pods("blue").isEmpty)
      #expect(try await release.liveColour() == nil)
    }
  }
}
