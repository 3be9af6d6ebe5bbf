import Foundation
import Synchronization
import Testing

extension EndToEnd {
  /// The platform that the operator makes of the sample, with real PostgreSQL, Redis and trading servers.
  @Suite(.serialized, .enabled(if: TestCluster.canRunContainers, "needs root, podman and the images"))
  struct PlatformTests {
    @Test(.timeLimit(.minutes(6))) func aSampleOfTenLinesBecomesAReadyPlatform() async throws {
      let platform = try await Platform.ready()
      let table = try await platform.cluster.run("get", "rtx", "-A")
      #expect(table.contains("trading") && table.contains("True"), "\(table)")
      for condition in ["PostgresReady", "RedisReady", "BackendReady", "NetworkReady", "ConfigurationReady"] {
        let status = try await platform.jsonPath(
          "rtx/trading", "{.status.conditions[?(@.type==\"\(condition)\")].status}")
        #expect(status == "True", "\(condition)")
      }
      #expect(try await platform.jsonPath("deploy/trading-backend", "{.status.readyReplicas}") == "3")
    }

    @Test(.timeLimit(.minutes(6))) func thePluginSaysHowThePlatformIs() async throws {
      let platform = try await Platform.ready()
      let path = "\(TestCluster.binaries):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
      let environment = platform.cluster.environment.merging(["PATH": path]) { $1 }
      let result = await Shell.run(
        "kubectl", ["rtx", "status", "trading", "-n", platform.namespace], environment: environment)
      #expect(result.succeeded, "\(result.everything)")
      for part in ["rtx-trading/trading: Ready", "✓ PostgresReady", "trading-postgres-2", "primary", "3/3 ready"] {
        #expect(result.output.contains(part), "\(result.output)")
      }
      let missing = await Shell.run("kubectl", ["rtx", "status", "nothing", "-n", "default"], environment: environment)
      #expect(!missing.succeeded && missing.everything.contains("nothing"), "\(missing.everything)")
    }

    @Test(.timeLimit(.minutes(6))) func anOrderIsPlacedAndReadBackThroughTheService() async throws {
      let platform = try await Platform.ready()
      let id = "e2e-\(UUID().uuidString)"
      let placed = try await platform.http("/api/orders", body: Platform.order(id))
      #expect(placed.status == 201, "\(placed)")
      let again = try await platform.http("/api/orders", body: Platform.order(id))
      #expect(again.body == placed.body)
      let read = try await platform.http("/api/orders/\(id)")
      #expect(read.status == 200 && read.body.contains(id), "\(read)")
    }

    @Test(.timeLimit(.minutes(6))) func twoReplicasStreamAndOneIsSynchronous() async throws {
      let platform = try await Platform.ready()
      let states = try await platform.sql(
        "select state || ' ' || sync_state from pg_stat_replication order by 1", from: "trading-postgres-0")
      let lines = states.split(separator: "\n")
      #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("streaming") }, "\(states)")
      #expect(lines.contains { $0.hasSuffix("sync") && !$0.hasSuffix("async") || $0.hasSuffix("quorum") }, "\(states)")
      let role = try await platform.sql("select pg_is_in_recovery()", from: "trading-postgres-0")
      #expect(role == "f")
      let readOnly = try await platform.sql(
        "select pg_is_in_recovery()", service: "trading-postgres-ro", from: "trading-postgres-0")
      #expect(readOnly == "t")
    }

    @Test(.timeLimit(.minutes(6))) func networkPoliciesKeepStrangersOut() async throws {
      let platform = try await Platform.ready()
      let address = try await platform.serviceAddress("trading-redis")
      let stranger = await platform.cluster.kubectl(
        "run", "stranger", "--image=rtx-platform/redis:7", "--restart=Never", "--rm", "-i", "--quiet", "--command",
        "--",
        "sh", "-c", "timeout 3 redis-cli -h \(address) ping || echo refused", limit: .seconds(60))
      #expect(!stranger.output.contains("PONG") && !stranger.output.contains("NOAUTH"), "\(stranger.everything)")
      #expect(stranger.output.contains("refused"), "\(stranger.everything)")
    }

    @Test(.timeLimit(.minutes(8))) func killingThePrimarysContainerLosesNoAcknowledgedOrder() async throws {
      let platform = try await Platform.ready()
      let before = try await platform.primary()
      let address = try await platform.serviceAddress("trading-backend")
      let acknowledged = Mutex<[String]>([])
      let stop = Mutex(false)
      // A client that goes on placing orders all the while, each id until it is acknowledged.
      let client = Task {
        var number = 0
        while !stop.withLock({ $0 }) {
          let id = "failover-\(before)-\(number)"
          let answer = await Platform.http(
            "http://\(address)/api/orders", body: Platform.order(id), limit: .seconds(5))
          if answer.status == 200 || answer.status == 201 {
            acknowledged.withLock { $0.append(id) }
            number += 1
          }
        }
      }
      try await eventually("orders flow") { acknowledged.withLock { $0.count } > 20 ? true : nil }
      let killed = await Shell.sh(
        """
        for id in $(podman ps -q --filter label=io.kubernetes.pod.name=\(before) \
          --filter label=io.kubernetes.container.name=postgres); do podman kill -s KILL $id; done
        """)
      #expect(!killed.output.isEmpty, "no container of \(before) was found: \(killed.everything)")
      let atKill = acknowledged.withLock { $0.count }
      try await eventually("writes work again through the same Service", within: .seconds(60)) {
        acknowledged.withLock { $0.count } > atKill + 20 ? true : nil
      }
      stop.withLock { $0 = true }
      await client.value
      let ids = acknowledged.withLock { $0 }
      let from = try await eventually("a new or restarted primary is reported", within: .seconds(60)) {
        let primary = try await platform.primary()
        return primary.isEmpty ? nil : primary
      }
      let orders = try await platform.sql(
        "select count(*) from orders where client_order_id like 'failover-\(before)-%'", from: from)
      let ledger = try await platform.sql(
        """
        select count(*) from orders o join transactions t on (t.account_id, t.transaction_id) = (o.account_id, o.order_id) \
        where o.client_order_id like 'failover-\(before)-%'
        """, from: from)
      // An order may be stored whose answer was lost; none may be acknowledged and missing, none stored twice.
      #expect(Set(ids).count == ids.count)
      #expect(
        Int(orders) ?? 0 >= ids.count && Int(orders) ?? 0 <= ids.count + 1,
        "\(orders) stored, \(ids.count) acknowledged")
      #expect(ledger == orders)
      try await eventually("the old primary streams again", within: .seconds(90)) {
        let count = try await platform.sql(
          "select count(*) from pg_stat_replication where state = 'streaming'", from: from)
        return count == "2" ? true : nil
      }
      _ = try await Platform.ready()
    }

    /// A token dies with its account: members that kept theirs could never renew the leader's lease again.
    @Test(.timeLimit(.minutes(6))) func aDeletedServiceAccountCostsNoMemberItsPlace() async throws {
      let platform = try await Platform.ready()
      let old = try await platform.jsonPath("sa/trading-postgres", "{.metadata.uid}")
      try await platform.cluster.run("-n", platform.namespace, "delete", "sa", "trading-postgres")
      let new = try await eventually("the ServiceAccount is back", within: .seconds(5)) {
        let uid = await platform.cluster.kubectl(
          "-n", platform.namespace, "get", "sa", "trading-postgres", "-o", "jsonpath={.metadata.uid}")
        return uid.succeeded && uid.output != old ? uid.output : nil
      }
      try await eventually("every member runs with a token of the new account", within: .seconds(180)) {
        let uids = try await platform.cluster.run(
          "-n", platform.namespace, "get", "pods", "-l", "app.kubernetes.io/component=postgres", "-o",
          #"jsonpath={range .items[*]}{.metadata.annotations.rtx\.trading/service-account-uid} {end}"#)
        return uids.split(separator: " ").map(String.init) == [new, new, new] ? true : nil
      }
      _ = try await Platform.ready()
      let id = "e2e-\(UUID().uuidString)"
      try await eventually("orders are taken", within: .seconds(30)) {
        try await platform.http("/api/orders", body: Platform.order(id)).status == 201 ? true : nil
      }
    }
  }
}
