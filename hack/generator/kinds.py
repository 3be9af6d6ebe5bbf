"""Which kinds this repository uses, and what their schemas don't say: plural names and scope."""

CORE = "io.k8s.api."
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."

# Kinds with Swift types.
MODELS = [
    CORE + name
    for name in """
    core.v1.Namespace core.v1.Pod core.v1.Service core.v1.ConfigMap core.v1.Secret core.v1.PersistentVolumeClaim
    core.v1.ServiceAccount core.v1.Endpoints core.v1.Event
    apps.v1.Deployment apps.v1.StatefulSet apps.v1.ReplicaSet apps.v1.ControllerRevision
    batch.v1.Job batch.v1.CronJob
    autoscaling.v1.Scale autoscaling.v2.HorizontalPodAutoscaler
    networking.v1.NetworkPolicy networking.v1.Ingress
    policy.v1.PodDisruptionBudget policy.v1.Eviction
    rbac.v1.Role rbac.v1.RoleBinding rbac.v1.ClusterRole rbac.v1.ClusterRoleBinding
    coordination.v1.Lease discovery.v1.EndpointSlice events.v1.Event
    authentication.v1.TokenRequest authentication.v1.TokenReview
    authorization.v1.SelfSubjectAccessReview authorization.v1.SubjectAccessReview
    authorization.v1.SelfSubjectRulesReview
    """.split()
] + [EXTENSIONS + "CustomResourceDefinition"]

# Types of the machinery that no kind refers to.
MODEL_EXTRAS = [
    META + name
    for name in "ObjectMeta ListMeta Status DeleteOptions Condition APIResourceList APIGroupList APIVersions".split()
]

# Kinds that the sandbox serves without a Swift type.
SCHEMAS_ONLY = [
    CORE + name
    for name in """
    core.v1.Node core.v1.PersistentVolume core.v1.ResourceQuota core.v1.LimitRange core.v1.PodTemplate
    apps.v1.DaemonSet storage.v1.StorageClass
    networking.v1.IngressClass scheduling.v1.PriorityClass
    """.split()
]

CLUSTER_SCOPED = {
    "Namespace", "Node", "PersistentVolume", "StorageClass", "IngressClass", "PriorityClass", "ClusterRole",
    "ClusterRoleBinding", "CustomResourceDefinition", "TokenReview", "SelfSubjectAccessReview", "SubjectAccessReview",
    "SelfSubjectRulesReview",
}  # fmt: skip


def plural(kind):
    """The name in URLs. Kubernetes makes it by these rules; Endpoints is the one plural kind."""
    lower = kind.lower()
    if lower == "endpoints":
        return lower
    if lower.endswith("y"):
        return lower[:-1] + "ies"
    if lower.endswith("s"):
        return lower + "es"
    return lower + "s"


def group_folder(name):
    """("core", "v1", "PodSpec") of io.k8s.api.core.v1.PodSpec; the machinery's types are ("meta", "v1", …)."""
    for prefix, group in ((META, "meta"), (EXTENSIONS, "apiextensions")):
        if name.startswith(prefix):
            return group, "v1", name[len(prefix):]
    group, version, kind = name.removeprefix(CORE).split(".")
    return group, version, kind
