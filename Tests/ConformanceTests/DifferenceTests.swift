import Foundation
import KubernetesClient
import KubernetesModels
import Logging
import SandboxCluster
import Testing

/// Where the sandbox is not like a real cluster: the lines of docs/sandbox.md, each held by a case here.
enum Difference: String, CaseIterable, Sendable {
  case memory = "State is in memory: a restart means an empty cluster."
  case oneNode = "There is one node; topology spread constraints and preemption are not looked at."
  case admissionWebhooks = "There are no admission webhooks."
  case conversionWebhooks =
    "There are no conversion webhooks: objects of every version are stored as they are."
  case aggregation = "There is no API aggregation."
  case daemonSets = "There is no DaemonSet controller."
  case indexedJobs = "Jobs have no indexed mode: pods of an `Indexed` Job get no index."
  case timeZones = "CronJobs run in UTC: another `timeZone` starts nothing, and an Event says so."
  case autoscaler = "The HorizontalPodAutoscaler keeps within its bounds and does not scale on load."
  case loadBalancer =
    "A `LoadBalancer` Service gets no external address; its cluster address and node ports work."
  case policyOrder =
    "NetworkPolicies see a packet after Service translation: reaching the API server takes a rule for port 6443, not 443."
  case quotaUsage = "A ResourceQuota is enforced, but its `status.used` stays empty."
  case zeroValues = "Zero values that a real API server drops are kept."
  case patchDirective =
    "A strategic merge patch with an unknown `$patch` directive is refused with 400; a real server answers 500."
  case openAPIv2 = "`/openapi/v2` is empty; kubectl uses `/openapi/v3`."
}

@Suite(.timeLimit(.minutes(2))) struct DifferenceTests {
  @Test func everyLineOfTheDocumentHasACase() throws {
    let text = try #require(try Repository.text("docs/sandbox.md").components(separatedBy: "## Known differences").last)
    let lines = text.components(separatedBy: "\n").filter { $0.hasPrefix("- ") }.map { String($0.dropFirst(2)) }
    #expect(lines == Difference.allCases.map(\.rawValue))
  }

  // MARK: The API server

  @Test func memory() async throws {
    let first = try APIServer()
    try await first.client(as: .admin).create(configMap("kept", in: "default"))
    let second = try APIServer()
    let lost = try await refusal { try await second.client(as: .admin).get(ConfigMap.self, "kept", in: "default") }
    #expect(lost.isNotFound)
  }

  @Test(arguments: Servers.atHand) func admissionWebhooks(_ kind: Servers) async throws {
    let server = try await kind.start()
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    #expect(try await server.client.call(.get, path).status == (kind == .sandbox ? 404 : 200))
  }

  @Test(arguments: Servers.atHand) func aggregation(_ kind: Servers) async throws {
    let server = try await kind.start()
    let path = "/apis/apiregistration.k8s.io/v1/apiservices"
    #expect(try await server.client.call(.get, path).status == (kind == .sandbox ? 404 : 200))
  }

  /// A webhook that nobody serves: a real server cannot give out an object in another version, the sandbox does.
  @Test(arguments: Servers.atHand) func conversionWebhooks(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let widgets = Widgets()
    var definition = widgets.definition.json
    let first = try #require(definition.value(at: ["spec", "versions", "0"]))
    var second = first
    // Not the preferred one: controllers of the real server read all types, in the version that it prefers.
    second["name"] = "v1beta1"
    second["storage"] = false
    definition.set([first, second], at: ["spec", "versions"])
    definition.set(
      [
        "strategy": "Webhook",
        "webhook": [
          "conversionReviewVersions": ["v1"], "clientConfig": ["url": "https://127.0.0.1:1/convert"],
        ],
      ], at: ["spec", "conversion"])
    try await server.install(definition: DynamicObject(definition))
    try await server.client.create(widgets.type, widgets.object("a", in: namespace, ["n": 1]))
    let path = "/apis/\(widgets.type.group)/v1beta1/namespaces/\(namespace)/widgets/a"
    let answer = try await server.client.call(.get, path)
    #expect(answer.status == (kind == .sandbox ? 200 : 500), "\(answer.json)")
    if kind == .sandbox {
      #expect(answer.number("spec", "n") == 1 && answer.text("apiVersion")?.hasSuffix("v1beta1") == true)
    }
  }

  @Test(arguments: Servers.atHand) func loadBalancer(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let service = try await server.client.create(
      Service(
        metadata: ObjectMeta(name: "edge", namespace: namespace),
        spec: ServiceSpec(ports: [ServicePort(port: 80)], type: "LoadBalancer")))
    // Giving an address is a cloud's work: neither server does, and both allocate a node port.
    #expect(service.status?.loadBalancer?.ingress == nil)
    #expect((30_000...32_767).contains(service.spec?.ports?.first?.nodePort ?? 0))
  }

  @Test(arguments: Servers.atHand) func zeroValues(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    var object = pod("zero", in: namespace)
    object.json.set(false, at: ["spec", "hostNetwork"])
    try await server.client.create(Pod.resourceType, object)
    let answer = try await server.client.call(.get, "/api/v1/namespaces/\(namespace)/pods/zero")
    #expect((answer.json.value(at: ["spec", "hostNetwork"]) != nil) == (kind == .sandbox), "\(answer.json)")
  }

  @Test(arguments: Servers.atHand) func patchDirective(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    try await server.client.create(configMap("a", in: namespace, ["n": "1"]))
    let answer = try await server.client.call(
      .patch, "/api/v1/namespaces/\(namespace)/configmaps/a", body: ["data": ["$patch": "shuffle"]],
      type: "application/strategic-merge-patch+json")
    #expect(answer.status == (kind == .sandbox ? 400 : 500), "\(answer.json)")
  }

  @Test(arguments: Servers.atHand) func openAPIv2(_ kind: Servers) async throws {
    let server = try await kind.start()
    let answer = try await server.client.call(.get, "/openapi/v2")
    let paths = answer.json["paths"]?.objectValue ?? [:]
    #expect(answer.status == 200 && paths.isEmpty == (kind == .sandbox), "\(paths.count) paths")
    let version3 = try await server.client.call(.get, "/openapi/v3")
    #expect(version3.json["paths"]?.objectValue?.isEmpty == false)
  }

  @Test(arguments: Servers.atHand) func quotaUsage(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let quotas = "/api/v1/namespaces/\(namespace)/resourcequotas"
    let quota: JSONValue = [
      "apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "one"],
      "spec": ["hard": ["pods": "1"]],
      // On a real cluster a controller writes the first status; admission keeps it from then on.
      "status": ["hard": ["pods": "1"], "used": ["pods": "0"]],
    ]
    #expect(try await server.client.call(.post, quotas, body: quota).status == 201)
    if kind == .controlPlane {
      let status = try await server.client.call(
        .patch, quotas + "/one/status", body: ["status": quota["status"] ?? [:]], type: "application/merge-patch+json")
      #expect(status.status == 200, "\(status.json)")
    }
    // The admission plugin learns of a quota by watching.
    try await eventually("the quota is enforced") { [client = server.client] in
      let refused = await client.tryToCreate(pod("p\(UInt32.random(in: .min ... .max))", in: namespace))
      return refused?.status?.message?.contains("exceeded quota: one") == true ? true : nil
    }
    let used = try await server.client.call(.get, quotas + "/one").text("status", "used", "pods")
    #expect(used == (kind == .sandbox ? nil : "1"))
  }

  // MARK: The controllers, of which a real API server alone has none

  @Test func oneNode() async throws {
    try await Self.withCluster { client in
      // A real scheduler leaves out nodes without the label; this one runs the pod.
      var spread = pod("spread", in: "default", labels: ["app": "spread"])
      let constraint: JSONValue = [
        "topologyKey": "example.com/rack", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": ["matchLabels": ["app": "spread"]],
      ]
      spread.json.set([constraint], at: ["spec", "topologySpreadConstraints"])
      try await client.create(Pod.resourceType, spread)
      try await eventually("it runs all the same") {
        try await client.get(Pod.self, "spread", in: "default").spec?.nodeName
      }
      let nodes = try await client.call(.get, "/api/v1/nodes").json["items"]?.arrayValue ?? []
      #expect(nodes.count == 1)

      // Two pods of which each takes all processors: the more important one waits.
      let all = try #require(nodes.first?.value(at: ["status", "allocatable", "cpu"]))
      let priority: JSONValue = [
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": ["name": "high"], "value": 1000,
      ]
      let path = "/apis/scheduling.k8s.io/v1/priorityclasses"
      #expect(try await client.call(.post, path, body: priority).status == 201)
      for name in ["low", "high"] {
        var greedy = pod(name, in: "default")
        greedy.json.set(["requests": ["cpu": all]], at: ["spec", "containers", "0", "resources"])
        if name == "high" { greedy.json.set("high", at: ["spec", "priorityClassName"]) }
        try await client.create(Pod.resourceType, greedy)
        try await eventually("\(name) has been looked at") {
          try await client.get(Pod.self, name, in: "default").status?.conditions?.first { $0.type == "PodScheduled" }
        }
      }
      #expect(try await client.get(Pod.self, "low", in: "default").spec?.nodeName != nil)
      #expect(try await client.get(Pod.self, "high", in: "default").spec?.nodeName == nil)
    }
  }

  @Test func daemonSets() async throws {
    try await Self.withCluster { client in
      var json = deployment("agent", in: "default").json
      json["kind"] = "DaemonSet"
      try await client.create(
        ResourceType(group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets"), DynamicObject(json))
      try await client.create(Deployment.resourceType, deployment("web", in: "default", replicas: 1))
      // What came later has been worked on, so the earlier would have been too.
      try await eventually("the Deployment has its pod") {
        try await client.list(Pod.self, in: "default", options: ListOptions(labelSelector: "app=web")).items.first
      }
      let options = ListOptions(labelSelector: "app=agent")
      #expect(try await client.list(Pod.self, in: "default", options: options).items.isEmpty)
    }
  }

  @Test func indexedJobs() async throws {
    try await Self.withCluster { client in
      let template: JSONValue = [
        "spec": ["restartPolicy": "Never", "containers": [["name": "main", "image": "example:1"]]]
      ]
      let job: JSONValue = [
        "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "indexed", "namespace": "default"],
        "spec": ["completionMode": "Indexed", "completions": 2, "parallelism": 2, "template": template],
      ]
      try await client.create(Job.resourceType, DynamicObject(job))
      let first = try await eventually("a pod of the job") {
        try await client.list(Pod.self, in: "default").items.first
      }
      #expect(first.metadata.annotations?["batch.kubernetes.io/job-completion-index"] == nil)
    }
  }

  @Test func timeZones() async throws {
    try await Self.withCluster { client in
      let template: JSONValue = [
        "spec": [
          "template": ["spec": ["restartPolicy": "Never", "containers": [["name": "main", "image": "example:1"]]]]
        ]
      ]
      let cronJob: JSONValue = [
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": ["name": "daily", "namespace": "default"],
        "spec": ["schedule": "* * * * *", "timeZone": "Asia/Tokyo", "jobTemplate": template],
      ]
      try await client.create(CronJob.resourceType, DynamicObject(cronJob))
      let event = try await eventually("an Event says so") {
        try await client.list(Event.self, in: "default").items.first { $0.regarding?.name == "daily" }
      }
      #expect(event.note?.contains("Asia/Tokyo") == true && event.note?.contains("Etc/UTC") == true)
    }
  }

  @Test func autoscaler() async throws {
    try await Self.withCluster { client in
      try await client.create(Deployment.resourceType, deployment("web", in: "default", replicas: 1))
      let autoscaler: JSONValue = [
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": ["name": "web", "namespace": "default"],
        "spec": [
          "minReplicas": 2, "maxReplicas": 5,
          "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"],
          "metrics": [
            [
              "type": "Resource",
              "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 1]],
            ]
          ],
        ],
      ]
      try await client.create(HorizontalPodAutoscaler.resourceType, DynamicObject(autoscaler))
      let status = try await eventually("it says that it looks at no load") {
        try await client.get(HorizontalPodAutoscaler.self, "web", in: "default").status?.conditions?.first {
          $0.type == "ScalingActive"
        }
      }
      #expect(status.status == "False" && status.message?.contains("no metrics server") == true)
      try await eventually("the lower bound is kept") {
        try await client.get(Deployment.self, "web", in: "default").spec?.replicas == 2 ? true : nil
      }
    }
  }

  /// The order itself is held by the tests of the network's rules.
  @Test func policyOrder() async throws {
    let service = try await APIServer().client(as: .admin).get(Service.self, "kubernetes", in: "default")
    #expect(service.spec?.ports?.first?.port == 443)
    #expect(service.spec?.ports?.first?.targetPort == .int(6443))
  }

  /// A sandbox with controllers and a node whose pods are simulated, for one test.
  private static func withCluster(_ body: @Sendable (KubernetesClient) async throws -> Void) async throws {
    let folder = try ScratchFolder()
    let client = try APIServer().client(as: .admin)
    var logger = Logger(label: "differences")
    logger.logLevel = .critical
    let controllers = workloadControllers(
      client: client, logger: logger, configuration: WorkloadConfiguration(volumeRoot: folder.path + "/volumes"))
    let node = SimulatedNode(client: client, delay: .milliseconds(10), logger: logger)
    let tasks = [Task { try await controllers.run() }, Task { try await node.run() }]
    defer { for task in tasks { task.cancel() } }
    try await body(client)
  }
}

extension KubernetesClient {
  /// Creates a pod; gives the refusal where there is one.
  fileprivate func tryToCreate(_ pod: DynamicObject) async -> KubernetesError? {
    do {
      try await create(Pod.resourceType, pod)
      return nil
    } catch {
      return error as? KubernetesError
    }
  }
}
