import KubernetesModels

/// The roles that every cluster starts with (Kubernetes "Default roles and role bindings"), cut to the resources served
/// here.
enum BootstrapPolicy {
  static let clusterRoles: [(name: String, rules: JSONValue)] = [
    ("cluster-admin", [rule(["*"], ["*"], ["*"]), ["nonResourceURLs": ["*"], "verbs": ["*"]]]),
    ("admin", .array(readable + writable + sensitive + rolesRules)),
    ("edit", .array(readable + writable + sensitive)),
    ("view", .array(readable)),
    (
      "system:discovery",
      [
        paths([
          "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/readyz", "/openapi", "/openapi/*", "/version",
          "/version/",
        ])
      ]
    ),
    ("system:public-info-viewer", [paths(["/healthz", "/livez", "/readyz", "/version", "/version/"])]),
    ("system:monitoring", [paths(["/metrics", "/healthz", "/livez", "/readyz"])]),
    (
      "system:basic-user",
      [
        rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
        rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
      ]
    ),
    (
      "system:auth-delegator",
      [
        rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
        rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
      ]
    ),
  ]

  static let clusterRoleBindings: [(name: String, role: String, groups: [String])] = [
    ("cluster-admin", "cluster-admin", ["system:masters"]),
    ("system:discovery", "system:discovery", ["system:authenticated"]),
    ("system:basic-user", "system:basic-user", ["system:authenticated"]),
    ("system:public-info-viewer", "system:public-info-viewer", ["system:authenticated", "system:unauthenticated"]),
    ("system:monitoring", "system:monitoring", ["system:monitoring"]),
  ]

  private static let readVerbs = ["get", "list", "watch"]
  private static let writeVerbs = ["create", "delete", "deletecollection", "patch", "update"]
  private static let plainCore = [
    "configmaps", "endpoints", "persistentvolumeclaims", "pods", "serviceaccounts", "services",
  ]

  private static let readable: [JSONValue] = [
    rule(
      [""],
      plainCore + [
        "persistentvolumeclaims/status", "pods/log", "pods/status", "services/status", "events", "limitranges",
        "namespaces",
        "namespaces/status", "resourcequotas", "resourcequotas/status",
      ], readVerbs),
    rule(
      ["apps"],
      [
        "controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale",
        "deployments/status",
        "replicasets", "replicasets/scale", "replicasets/status", "statefulsets", "statefulsets/scale",
        "statefulsets/status",
      ], readVerbs),
    rule(["autoscaling"], ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], readVerbs),
    rule(["batch"], ["cronjobs", "cronjobs/status", "jobs", "jobs/status"], readVerbs),
    rule(["discovery.k8s.io"], ["endpointslices"], readVerbs),
    rule(["networking.k8s.io"], ["ingresses", "ingresses/status", "networkpolicies"], readVerbs),
    rule(["policy"], ["poddisruptionbudgets", "poddisruptionbudgets/status"], readVerbs),
  ]

  private static let writable: [JSONValue] = [
    rule([""], plainCore + ["events"], writeVerbs),
    rule([""], ["pods/attach", "pods/exec", "pods/portforward"], readVerbs + writeVerbs),
    rule([""], ["pods/eviction", "serviceaccounts/token"], ["create"]),
    rule(
      ["apps"],
      [
        "daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets",
        "statefulsets/scale",
      ], writeVerbs),
    rule(["autoscaling"], ["horizontalpodautoscalers"], writeVerbs),
    rule(["batch"], ["cronjobs", "jobs"], writeVerbs),
    rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], writeVerbs),
    rule(["policy"], ["poddisruptionbudgets"], writeVerbs),
    rule(["coordination.k8s.io"], ["leases"], readVerbs + writeVerbs),
  ]

  private static let sensitive: [JSONValue] = [rule([""], ["secrets"], readVerbs + writeVerbs)]

  private static let rolesRules: [JSONValue] = [
    rule([Authorizer.group], ["rolebindings", "roles"], readVerbs + writeVerbs),
    rule(["authorization.k8s.io"], ["localsubjectaccessreviews"], ["create"]),
  ]

  private static func rule(_ groups: [String], _ resources: [String], _ verbs: [String]) -> JSONValue {
    ["apiGroups": JSONValue(groups), "resources": JSONValue(resources), "verbs": JSONValue(verbs)]
  }

  private static func paths(_ urls: [String]) -> JSONValue {
    ["nonResourceURLs": JSONValue(urls), "verbs": ["get", "head"]]
  }
}
