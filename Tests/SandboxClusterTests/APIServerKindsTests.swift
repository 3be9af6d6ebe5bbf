import KubernetesClient
import KubernetesModels
import Testing

@testable import SandboxCluster

private let pods = "/api/v1/namespaces/default/pods"

@Suite struct APIServerKindsTests {
  let api: Wire

  init() throws { api = Wire(try APIServer()) }

  @Test func aPodIsDefaultedAsTheRealServerDoes() async throws {
    var object = pod("d")
    object.set(
      [
        [
          "name": "main", "image": "example:latest", "ports": [["containerPort": 80]],
          "livenessProbe": ["httpGet": ["port": 80]],
        ]
      ],
      at: ["spec", "containers"])
    let created = try await api.create(pods, object).json
    let container = try #require(created.itemsAt("spec", "containers").first)
    #expect(created.textAt("spec", "restartPolicy") == "Always")
    #expect(created.intAt("spec", "terminationGracePeriodSeconds") == 30)
    #expect(created.textAt("spec", "serviceAccountName") == "default")
    #expect(created.itemsAt("spec", "tolerations").count == 2)
    #expect(created.textAt("status", "phase") == "Pending")
    #expect(created.textAt("status", "qosClass") == "BestEffort")
    #expect(container.textAt("imagePullPolicy") == "Always")
    #expect(container.textAt("ports", "0", "protocol") == "TCP")
    #expect(container.at("livenessProbe", "periodSeconds") == 10)
    #expect(container.textAt("livenessProbe", "httpGet", "path") == "/")
    #expect(container.textAt("volumeMounts", "0", "mountPath") == "/var/run/secrets/kubernetes.io/serviceaccount")
    let volume = try #require(created.itemsAt("spec", "volumes").first)
    #expect(volume.textAt("name")?.hasPrefix("kube-api-access-") == true)
    #expect(volume.intAt("projected", "sources", "0", "serviceAccountToken", "expirationSeconds") == 3607)
  }

  @Test func aPodNeedsItsServiceAccountAndKeepsItsSpec() async throws {
    var object = pod("x")
    object.set("absent", at: ["spec", "serviceAccountName"])
    let refused = try await api.create(pods, object)
    #expect(refused.status == 403)
    #expect(refused.message.contains("serviceaccount \"absent\" not found"))
    _ = try await api.create(pods, pod("y"))
    let changed = try await api.patch("\(pods)/y", ["spec": ["hostNetwork": true]])
    #expect(changed.status == 422)
    #expect(changed.message.contains("pod updates may not change fields other than"))
  }

  @Test func mistakesInPodsAreNamedByField() async throws {
    var object = pod("bad")
    object.set(
      [
        [
          "name": "UPPER", "image": "", "resources": ["limits": ["cpu": "lots"]],
          "volumeMounts": [["name": "absent", "mountPath": "/x"]],
        ]
      ], at: ["spec", "containers"])
    let answer = try await api.create(pods, object)
    #expect(answer.status == 422)
    let fields = answer.json.itemsAt("details", "causes").compactMap { $0.textAt("field") }
    #expect(fields.contains("spec.containers[0].name"))
    #expect(fields.contains("spec.containers[0].image"))
    #expect(fields.contains("spec.containers[0].volumeMounts[0].name"))
    #expect(fields.contains { $0.hasPrefix("spec.containers[0].resources.limits") })
    var wrong = pod("typed")
    wrong.set("five", at: ["spec", "terminationGracePeriodSeconds"])
    #expect(try await api.create(pods, wrong).status == 400)
  }

  @Test func servicesGetAddressesAndKeepThem() async throws {
    let services = "/api/v1/namespaces/default/services"
    func service(_ name: String, _ spec: JSONValue) -> JSONValue {
      ["apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)], "spec": spec]
    }
    let created = try await api.create(services, service("s", ["type": "NodePort", "ports": [["port": 80]]])).json
    let address = try #require(created.textAt("spec", "clusterIP"))
    #expect(address.hasPrefix("10.96."))
    #expect(created.textAt("spec", "sessionAffinity") == "None")
    #expect(created.intAt("spec", "ports", "0", "targetPort") == 80)
    #expect((30_000...32_767).contains(created.intAt("spec", "ports", "0", "nodePort") ?? 0))
    let moved = try await api.patch("\(services)/s", ["spec": ["clusterIP": "10.96.9.9"]])
    #expect(moved.status == 422)
    let taken = try await api.create(services, service("t", ["clusterIP": .string(address), "ports": [["port": 80]]]))
    #expect(taken.status == 422)
    _ = try await api.send(.delete, "\(services)/s")
    let again = try await api.create(services, service("t", ["clusterIP": .string(address), "ports": [["port": 80]]]))
    #expect(again.status == 201)
    let headless = try await api.create(services, service("h", ["clusterIP": "None", "selector": ["a": "b"]])).json
    #expect(headless.textAt("spec", "clusterIP") == "None")
  }

  @Test func workloadsCountGenerationsAndGuardTheirSelector() async throws {
    let deployments = "/apis/apps/v1/namespaces/default/deployments"
    let deployment: JSONValue = [
      "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "d"],
      "spec": [
        "selector": ["matchLabels": ["app": "d"]],
        "template": ["metadata": ["labels": ["app": "d"]], "spec": ["containers": [["name": "c", "image": "i:1"]]]],
      ],
    ]
    let created = try await api.create(deployments, deployment).json
    #expect(created.intAt("metadata", "generation") == 1)
    #expect(created.intAt("spec", "replicas") == 1)
    #expect(created.textAt("spec", "strategy", "rollingUpdate", "maxSurge") == "25%")
    let labelled = try await api.patch("\(deployments)/d", ["metadata": ["labels": ["x": "y"]]]).json
    #expect(labelled.intAt("metadata", "generation") == 1)
    let scaled = try await api.patch("\(deployments)/d/scale", ["spec": ["replicas": 4]]).json
    #expect(scaled.intAt("spec", "replicas") == 4)
    #expect(scaled["kind"] == "Scale")
    #expect(scaled.textAt("status", "selector") == "app=d")
    let after = try await api.get("\(deployments)/d").json
    #expect(after.intAt("metadata", "generation") == 2)
    let selector = try await api.patch("\(deployments)/d", ["spec": ["selector": ["matchLabels": ["app": "e"]]]])
    #expect(selector.status == 422 && selector.message.contains("field is immutable"))
    let strategic = try await api.patch(
      "\(deployments)/d", ["spec": ["template": ["spec": ["containers": [["name": "side", "image": "s:1"]]]]]],
      type: "application/strategic-merge-patch+json")
    #expect(strategic.json.itemsAt("spec", "template", "spec", "containers").count == 2)
  }

  @Test func statefulSetsAndClaimsRefuseForbiddenUpdates() async throws {
    let sets = "/apis/apps/v1/namespaces/default/statefulsets"
    let set: JSONValue = [
      "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": ["name": "s"],
      "spec": [
        "serviceName": "s", "selector": ["matchLabels": ["app": "s"]],
        "template": [
          "metadata": ["labels": ["app": "s"]],
          "spec": [
            "containers": [["name": "c", "image": "i:1", "volumeMounts": [["name": "data", "mountPath": "/d"]]]]
          ],
        ],
        "volumeClaimTemplates": [
          [
            "metadata": ["name": "data"],
            "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
          ]
        ],
      ],
    ]
    #expect(try await api.create(sets, set).status == 201)
    #expect(try await api.patch("\(sets)/s", ["spec": ["replicas": 3]]).status == 200)
    let renamed = try await api.patch("\(sets)/s", ["spec": ["serviceName": "t"]])
    #expect(renamed.message.contains("updates to statefulset spec for fields other than"))
    let claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    let claim: JSONValue = [
      "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": "c"],
      "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "2Gi"]]],
    ]
    #expect(try await api.create(claims, claim).json.textAt("spec", "storageClassName") == "standard")
    func resize(_ size: String) async throws -> Wire.Answer {
      try await api.patch("\(claims)/c", ["spec": ["resources": ["requests": ["storage": .string(size)]]]])
    }
    #expect(try await resize("1Gi").status == 422)
    #expect(try await resize("3Gi").status == 200)
  }

  @Test func secretsTakePlainTextsAndCanBeFrozen() async throws {
    let secrets = "/api/v1/namespaces/default/secrets"
    let created = try await api.create(
      secrets,
      [
        "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s"], "stringData": ["k": "hello"],
        "immutable": true,
      ]
    ).json
    #expect(created.textAt("data", "k") == "aGVsbG8=")
    #expect(created["stringData"] == nil)
    #expect(created.textAt("type") == "Opaque")
    #expect(try await api.patch("\(secrets)/s", ["data": ["k": "eHh4"]]).status == 422)
  }

  @Test func podSecurityIsEnforcedByLabel() async throws {
    _ = try await api.create(
      "/api/v1/namespaces",
      [
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": ["name": "safe", "labels": ["pod-security.kubernetes.io/enforce": "restricted"]],
      ])
    let target = "/api/v1/namespaces/safe/pods"
    let refused = try await api.create(target, pod("p"))
    #expect(refused.status == 403)
    #expect(
      refused.message.contains(
        "violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"main\""))
    var good = pod("p")
    good.set(
      [
        [
          "name": "main", "image": "i:1",
          "securityContext": [
            "allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]], "runAsNonRoot": true,
            "seccompProfile": ["type": "RuntimeDefault"],
          ],
        ]
      ], at: ["spec", "containers"])
    #expect(try await api.create(target, good).status == 201)
  }

  @Test func evictionRespectsTheBudget() async throws {
    _ = try await api.create(pods, pod("e", node: "n1", labels: ["app": "e"]))
    _ = try await api.patch("\(pods)/e/status", ["status": ["phase": "Running"]])
    let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    _ = try await api.create(
      budgets,
      [
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": "b"],
        "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "e"]]],
      ])
    let eviction: JSONValue = ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "e"]]
    let refused = try await api.create("\(pods)/e/eviction", eviction)
    #expect(refused.status == 429)
    #expect(refused.json.textAt("details", "causes", "0", "reason") == "DisruptionBudget")
    _ = try await api.patch(
      "\(budgets)/b/status", ["status": ["disruptionsAllowed": 1, "observedGeneration": 1, "currentHealthy": 2]])
    #expect(try await api.create("\(pods)/e/eviction", eviction).status == 201)
    #expect(try await api.get("\(pods)/e").json.isDeleting)
    #expect(try await api.get("\(budgets)/b").json.intAt("status", "disruptionsAllowed") == 0)
  }

  @Test func everyStoredKindHasItsSchema() {
    let bare = BuiltinResources.all.filter { $0.schema == nil && $0.verbs.contains("list") }.map(\.groupVersionText)
    // The older autoscaling version is a view of the newer one.
    #expect(bare == ["autoscaling/v1, Kind=HorizontalPodAutoscaler"])
  }

  @Test func bothAutoscalingVersionsShowTheSameObject() async throws {
    let old = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
    let created = try await api.create(
      old,
      [
        "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": ["name": "h"],
        "spec": [
          "maxReplicas": 5, "targetCPUUtilizationPercentage": 70,
          "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "d"],
        ],
      ])
    #expect(created.json.intAt("spec", "targetCPUUtilizationPercentage") == 70, "\(created.message)")
    let new = try await api.get("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h").json
    #expect(new.intAt("spec", "metrics", "0", "resource", "target", "averageUtilization") == 70)
    #expect(new.intAt("spec", "minReplicas") == 1)
  }

  @Test func oldEventsAreForgotten() async throws {
    let events = "/api/v1/namespaces/default/events"
    let event: JSONValue = [
      "apiVersion": "v1", "kind": "Event", "metadata": ["name": "e"], "reason": "R",
      "involvedObject": ["kind": "Pod", "name": "p", "namespace": "default"],
    ]
    _ = try await api.create(events, event)
    EventExpiry.run(api.server.store, now: .now + .seconds(3000))
    #expect(try await api.get("\(events)/e").status == 200)
    EventExpiry.run(api.server.store, now: .now + .seconds(4000))
    #expect(try await api.get("\(events)/e").status == 404)
  }

  @Test func bothEventAPIsShowTheSameEvent() async throws {
    let event: JSONValue = [
      "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": ["name": "ev", "namespace": "default"],
      "regarding": ["kind": "Pod", "name": "p", "namespace": "default"], "reason": "Started", "note": "it runs",
      "type": "Normal",
      "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "tests", "reportingInstance": "t",
      "action": "Start",
    ]
    #expect(try await api.create("/apis/events.k8s.io/v1/namespaces/default/events", event).status == 201)
    let core = try await api.get("/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dp").json
    #expect(core.itemsAt("items").first?.textAt("message") == "it runs")
    #expect(core.itemsAt("items").first?.textAt("involvedObject", "kind") == "Pod")
  }
}
