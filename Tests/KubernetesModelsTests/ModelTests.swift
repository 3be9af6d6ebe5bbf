import KubernetesModels
import Testing

struct ModelTests {
  /// As an API server answers, managed fields and all.
  private static let deployment = """
    {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"deployment.kubernetes.io/revision":"1"},
    "creationTimestamp":"2026-01-31T12:00:00Z","generation":2,"labels":{"app":"web"},"managedFields":[{"apiVersion":"apps/v1",
    "fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{},"k:{\\"name\\":\\"web\\"}":{".":{}}}},"manager":"kubectl",
    "operation":"Apply","time":"2026-01-31T12:00:01Z"}],"name":"web","namespace":"default","resourceVersion":"42",
    "uid":"0e9d1a9c-6f0b-4f0e-9a53-1f1d0c6f7d11"},"spec":{"progressDeadlineSeconds":600,"replicas":3,
    "revisionHistoryLimit":10,"selector":{"matchLabels":{"app":"web"}},"strategy":{"rollingUpdate":{"maxSurge":"25%",
    "maxUnavailable":0},"type":"RollingUpdate"},"template":{"metadata":{"labels":{"app":"web"}},"spec":{
    "affinity":{"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"podAffinityTerm":{"labelSelector":
    {"matchLabels":{"app":"web"}},"topologyKey":"kubernetes.io/hostname"},"weight":100}]}},"containers":[{
    "env":[{"name":"POD_IP","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"status.podIP"}}}],
    "image":"nginx:1.27","livenessProbe":{"httpGet":{"path":"/health","port":"http","scheme":"HTTP"},"periodSeconds":10},
    "name":"web","ports":[{"containerPort":8080,"name":"http","protocol":"TCP"}],"resources":{"limits":{"cpu":"2",
    "memory":"1Gi"},"requests":{"cpu":"500m","memory":"512Mi"}},"securityContext":{"allowPrivilegeEscalation":false,
    "capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true},"volumeMounts":[{"mountPath":"/tmp","name":"tmp"}]}],
    "securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"terminationGracePeriodSeconds":30,
    "volumes":[{"emptyDir":{"sizeLimit":"64Mi"},"name":"tmp"}]}}},"status":{"conditions":[{"lastTransitionTime":
    "2026-01-31T12:00:02Z","lastUpdateTime":"2026-01-31T12:00:02Z","message":"ok","reason":"MinimumReplicasAvailable",
    "status":"True","type":"Available"}],"observedGeneration":2,"readyReplicas":3,"replicas":3}}
    """

  @Test func aDeploymentKeepsEveryField() throws {
    let json = try JSONValue(parsing: Self.deployment)
    let deployment = try json.decode(Deployment.self)
    #expect(deployment.metadata.name == "web")
    #expect(deployment.metadata.creationTimestamp?.description == "2026-01-31T12:00:00Z")
    #expect(deployment.spec?.strategy?.rollingUpdate?.maxSurge == "25%")
    let container = try #require(deployment.spec?.template.spec?.containers.first)
    #expect(container.livenessProbe?.httpGet?.port == "http")
    #expect(container.resources?.limits?["memory"] == "1024Mi")
    #expect(container.ports?.first?.protocol == "TCP")
    #expect(try JSONValue(encoding: deployment) == json)
  }

  @Test func aPodInAListNeedsNoKind() throws {
    let json = try JSONValue(
      parsing: """
        {"metadata":{"name":"p","labels":null},"spec":{"containers":[{"name":"c"}],"unknown":1},"status":{"phase":"Running",
        "podIP":"10.0.0.7","containerStatuses":[{"name":"c","image":"i","imageID":"","ready":true,"restartCount":2,
        "state":{"running":{"startedAt":"2026-01-31T12:00:00Z"}},"lastState":{"terminated":{"exitCode":137,"reason":"Error"}}}]}}
        """)
    let pod = try json.decode(Pod.self)
    #expect(pod.kind == nil)
    #expect(pod.metadata.labels == nil)
    let status = try #require(pod.status?.containerStatuses?.first)
    #expect(status.state?.running?.startedAt == Timestamp("2026-01-31T12:00:00Z"))
    #expect(status.lastState?.terminated?.exitCode == 137)
  }

  @Test func anObjectMadeHereNamesItsKindAndSaysOnlyWhatIsSet() throws {
    let claim = PersistentVolumeClaim(
      metadata: ObjectMeta(name: "data"),
      spec: PersistentVolumeClaimSpec(
        accessModes: ["ReadWriteOnce"], resources: VolumeResourceRequirements(requests: ["storage": "20Gi"])))
    #expect(
      try JSONValue(encoding: claim) == [
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": "data"],
        "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "20Gi"]]],
      ])
  }

  @Test func aSchemaMayContainItself() throws {
    let json: JSONValue = [
      "type": "object", "x-kubernetes-preserve-unknown-fields": true, "additionalProperties": false,
      "properties": ["a": ["$ref": "x", "default": ["k": 1], "not": ["not": ["type": "string"]]]],
    ]
    let schema = try json.decode(JSONSchemaProps.self)
    #expect(schema.xKubernetesPreserveUnknownFields == true)
    #expect(schema.properties?["a"]?.ref == "x")
    #expect(schema.properties?["a"]?.not?.not?.type == "string")
    #expect(try JSONValue(encoding: schema) == json)
  }

  @Test func copiesWithIndirectFieldsAreIndependent() {
    let first = Pod(spec: PodSpec(containers: [Container(name: "a")]))
    var second = first
    #expect(first == second)
    second.spec?.nodeName = "n1"
    #expect(first.spec?.nodeName == nil)
    #expect(second.spec?.nodeName == "n1")
    #expect(first != second)
  }

  @Test(arguments: [
    (Pod.resourceType, "v1", "pods", true), (Namespace.resourceType, "v1", "namespaces", false),
    (Endpoints.resourceType, "v1", "endpoints", true), (Deployment.resourceType, "apps/v1", "deployments", true),
    (NetworkPolicy.resourceType, "networking.k8s.io/v1", "networkpolicies", true),
    (Ingress.resourceType, "networking.k8s.io/v1", "ingresses", true),
    (EndpointSlice.resourceType, "discovery.k8s.io/v1", "endpointslices", true),
    (HorizontalPodAutoscaler.resourceType, "autoscaling/v2", "horizontalpodautoscalers", true),
    (ClusterRoleBinding.resourceType, "rbac.authorization.k8s.io/v1", "clusterrolebindings", false),
    (Lease.resourceType, "coordination.k8s.io/v1", "leases", true), (CoreEvent.resourceType, "v1", "events", true),
    (Event.resourceType, "events.k8s.io/v1", "events", true),
    (CustomResourceDefinition.resourceType, "apiextensions.k8s.io/v1", "customresourcedefinitions", false),
  ])
  func kindsKnowTheirPlace(type: ResourceType, apiVersion: String, plural: String, isNamespaced: Bool) {
    #expect(type.apiVersion == apiVersion)
    #expect(type.plural == plural)
    #expect(type.isNamespaced == isNamespaced)
  }

  @Test func aDynamicObjectKeepsWhatItDoesNotKnow() throws {
    var object = DynamicObject(try JSONValue(parsing: Self.deployment))
    #expect(object.kind == "Deployment")
    #expect(object.generation == 2)
    #expect(object.metadata.labels == ["app": "web"])
    object.labels["tier"] = "front"
    object.namespace = nil
    #expect(object.json.value(at: ["metadata", "labels"]) == ["app": "web", "tier": "front"])
    #expect(object.json.value(at: ["metadata", "namespace"]) == nil)
    #expect(object.json["spec"] == (try JSONValue(parsing: Self.deployment))["spec"])
    #expect(try JSONValue(encoding: object) == object.json)
    #expect(try object.json.decode(DynamicObject.self) == object)
  }
}
