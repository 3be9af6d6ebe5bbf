import KubernetesModels

/// The resources of every cluster (Kubernetes API reference; only the kinds that the sandbox has a use for).
enum BuiltinResources {
  static let all: [ResourceInfo] = core + apps + batch + policy + networking + rbac + other + reviews

  private static let core: [ResourceInfo] = [
    make("", "v1", "Namespace", "namespaces", ["ns"], namespaced: false, status: true, strategy: NamespaceStrategy()) {
      $0.selectableFields.formUnion(["status.phase", "name"])
      $0.extraSubresources = [.init(name: "finalize", group: "", version: "v1", kind: "Namespace", verbs: ["update"])]
      $0.verbs.removeAll { $0 == "deletecollection" }
    },
    make("", "v1", "Node", "nodes", ["no"], namespaced: false, status: true) {
      $0.selectableFields.insert("spec.unschedulable")
    },
    make("", "v1", "Pod", "pods", ["po"], categories: ["all"], status: true, strategy: PodStrategy()) {
      $0.selectableFields.formUnion([
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
        "status.phase", "status.podIP", "status.nominatedNodeName",
      ])
      $0.extraSubresources = [
        .init(name: "binding", group: "", version: "v1", kind: "Binding", verbs: ["create"]),
        .init(name: "eviction", group: "policy", version: "v1", kind: "Eviction", verbs: ["create"]),
        .init(name: "log", group: "", version: "v1", kind: "Pod", verbs: ["get"]),
        .init(name: "exec", group: "", version: "v1", kind: "PodExecOptions", verbs: ["create", "get"]),
        .init(name: "attach", group: "", version: "v1", kind: "PodAttachOptions", verbs: ["create", "get"]),
        .init(name: "portforward", group: "", version: "v1", kind: "PodPortForwardOptions", verbs: ["create", "get"]),
      ]
    },
    make("", "v1", "Service", "services", ["svc"], categories: ["all"], status: true, strategy: ServiceStrategy()) {
      $0.selectableFields.formUnion(["spec.clusterIP", "spec.type"])
    },
    make("", "v1", "Endpoints", "endpoints", ["ep"]),
    make("", "v1", "ConfigMap", "configmaps", ["cm"], strategy: ConfigMapStrategy()),
    make("", "v1", "Secret", "secrets", strategy: SecretStrategy()) { $0.selectableFields.insert("type") },
    make("", "v1", "ServiceAccount", "serviceaccounts", ["sa"]) {
      $0.extraSubresources = [
        .init(
          name: "token", group: "authentication.k8s.io", version: "v1", kind: "TokenRequest", verbs: ["create"])
      ]
    },
    make(
      "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", ["pvc"], status: true, strategy: ClaimStrategy()),
    make(
      "", "v1", "PersistentVolume", "persistentvolumes", ["pv"], namespaced: false, status: true,
      strategy: VolumeStrategy()),
    make("", "v1", "Event", "events", ["ev"], strategy: EventStrategy()) { $0.selectableFields = eventFields },
    make("", "v1", "ResourceQuota", "resourcequotas", ["quota"], status: true),
    make("", "v1", "LimitRange", "limitranges", ["limits"]),
    make("", "v1", "PodTemplate", "podtemplates"),
  ]

  private static let apps: [ResourceInfo] = [
    make(
      "apps", "v1", "Deployment", "deployments", ["deploy"], categories: ["all"], status: true,
      generation: .spec, scale: .workload, strategy: DeploymentStrategy()),
    make(
      "apps", "v1", "ReplicaSet", "replicasets", ["rs"], categories: ["all"], status: true,
      generation: .spec, scale: .workload, strategy: ReplicaSetStrategy()
    ) { $0.selectableFields.insert("status.replicas") },
    make(
      "apps", "v1", "StatefulSet", "statefulsets", ["sts"], categories: ["all"], status: true,
      generation: .spec, scale: .workload, strategy: StatefulSetStrategy()),
    make(
      "apps", "v1", "DaemonSet", "daemonsets", ["ds"], categories: ["all"], status: true,
      generation: .spec, strategy: DaemonSetStrategy()),
    make("apps", "v1", "ControllerRevision", "controllerrevisions", strategy: ControllerRevisionStrategy()),
  ]

  private static let batch: [ResourceInfo] = [
    make(
      "batch", "v1", "Job", "jobs", categories: ["all"], status: true, generation: .spec, strategy: JobStrategy()
    ) { $0.selectableFields.insert("status.successful") },
    make(
      "batch", "v1", "CronJob", "cronjobs", ["cj"], categories: ["all"], status: true, generation: .spec,
      strategy: CronJobStrategy()),
  ]

  private static let policy: [ResourceInfo] = [
    make(
      "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", ["hpa"], categories: ["all"],
      status: true, strategy: AutoscalerStrategy()),
    make(
      "autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", ["hpa"], categories: ["all"],
      status: true, strategy: AutoscalerV1Strategy()
    ) {
      $0.storedAPIVersion = "autoscaling/v2"
      $0.conversion = .autoscaler
    },
    make(
      "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", ["pdb"], status: true, generation: .spec,
      strategy: DisruptionBudgetStrategy()),
  ]

  private static let networking: [ResourceInfo] = [
    make(
      "networking.k8s.io", "v1", "Ingress", "ingresses", ["ing"], status: true, generation: .spec,
      strategy: IngressStrategy()),
    make("networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced: false, generation: .spec),
    make(
      "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", ["netpol"], generation: .spec,
      strategy: NetworkPolicyStrategy()),
    make("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", generation: .content),
  ]

  private static let rbac: [ResourceInfo] = [
    make("rbac.authorization.k8s.io", "v1", "Role", "roles", strategy: RBACStrategy()),
    make("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", strategy: RBACStrategy()),
    make("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced: false, strategy: RBACStrategy()),
    make(
      "rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced: false,
      strategy: RBACStrategy()),
  ]

  private static let other: [ResourceInfo] = [
    make("coordination.k8s.io", "v1", "Lease", "leases", strategy: LeaseStrategy()),
    make("events.k8s.io", "v1", "Event", "events", ["ev"], strategy: EventStrategy()) {
      $0.storage = StorageKey(group: "", plural: "events")
      $0.storedAPIVersion = "v1"
      $0.conversion = .event
      $0.selectableFields = eventFields
    },
    make(
      "storage.k8s.io", "v1", "StorageClass", "storageclasses", ["sc"], namespaced: false,
      strategy: StorageClassStrategy()),
    make(
      "scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", ["pc"], namespaced: false, generation: .content),
    make(
      "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", ["crd", "crds"],
      namespaced: false, categories: ["api-extensions"], status: true, generation: .spec,
      strategy: DefinitionStrategy()),
  ]

  private static let reviews: [ResourceInfo] = [
    review("authentication.k8s.io", "TokenReview", "tokenreviews"),
    review("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews"),
    review("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews"),
    review("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
    review("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews"),
    review("authorization.k8s.io", "LocalSubjectAccessReview", "localsubjectaccessreviews", namespaced: true),
  ]

  private static let eventFields: Set<String> = [
    "metadata.name", "metadata.namespace", "involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
    "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
    "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "reason", "reportingComponent",
    "source", "type",
  ]

  private static func make(
    _ group: String, _ version: String, _ kind: String, _ plural: String, _ shortNames: [String] = [],
    namespaced: Bool = true, categories: [String] = [], status: Bool = false, generation: GenerationRule = .none,
    scale: ScalePaths? = nil, strategy: any ResourceStrategy = DefaultStrategy(),
    _ adjust: (inout ResourceInfo) -> Void = { _ in }
  ) -> ResourceInfo {
    var info = ResourceInfo(
      group: group, version: version, kind: kind, plural: plural, singular: kind.lowercased(), shortNames: shortNames,
      categories: categories, isNamespaced: namespaced, storage: StorageKey(group: group, plural: plural),
      storedAPIVersion: group.isEmpty ? version : "\(group)/\(version)", hasStatus: status, scale: scale,
      generation: generation, schema: BuiltinSchemaRegistry.shared.schema(group: group, version: version, kind: kind),
      strategy: strategy, columns: BuiltinColumns.columns(group: group, kind: kind))
    adjust(&info)
    return info
  }

  private static func review(_ group: String, _ kind: String, _ plural: String, namespaced: Bool = false)
    -> ResourceInfo
  {
    make(group, "v1", kind, plural, namespaced: namespaced) { $0.verbs = ["create"] }
  }
}
