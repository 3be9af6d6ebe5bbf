import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import RTXPlatformAPI

/// Local copies of every kind that the operator owns or reads.
///
/// All but platforms and namespaces hold only objects with the platform label, so that they stay small in a big cluster.
struct PlatformInformers: Sendable {
  let platforms: Informer<RTXPlatform>
  let namespaces: Informer<Namespace>
  let configMaps: Informer<ConfigMap>
  let secrets: Informer<Secret>
  let services: Informer<Service>
  let serviceAccounts: Informer<ServiceAccount>
  let claims: Informer<PersistentVolumeClaim>
  let pods: Informer<Pod>
  let deployments: Informer<Deployment>
  let statefulSets: Informer<StatefulSet>
  let jobs: Informer<Job>
  let cronJobs: Informer<CronJob>
  let autoscalers: Informer<HorizontalPodAutoscaler>
  let networkPolicies: Informer<NetworkPolicy>
  let ingresses: Informer<Ingress>
  let disruptionBudgets: Informer<PodDisruptionBudget>
  let roles: Informer<Role>
  let roleBindings: Informer<RoleBinding>
  /// Where the API server is, for the network policy of PostgreSQL.
  let apiServer: Informer<EndpointSlice>

  private let byType: [ResourceType: any AnyInformer]

  /// - Parameter namespace: The only namespace to look at; nil for all.
  init(client: KubernetesClient, namespace: String?, logger: Logger) {
    func labelled<Object: KubernetesResource>(_ type: Object.Type) -> Informer<Object> {
      Informer(
        client: client, type, namespace: namespace,
        options: InformerOptions(labelSelector: PlatformConstants.platformLabel), transform: .withoutManagedFields,
        logger: logger)
    }
    platforms = Informer(
      client: client, RTXPlatform.self, namespace: namespace, transform: .withoutManagedFields, logger: logger)
    namespaces = Informer(
      client: client, Namespace.self, labelSelector: nil,
      fieldSelector: namespace.map { "metadata.name=\($0)" }, logger: logger)
    configMaps = labelled(ConfigMap.self)
    secrets = labelled(Secret.self)
    services = labelled(Service.self)
    serviceAccounts = labelled(ServiceAccount.self)
    claims = labelled(PersistentVolumeClaim.self)
    pods = labelled(Pod.self)
    deployments = labelled(Deployment.self)
    statefulSets = labelled(StatefulSet.self)
    jobs = labelled(Job.self)
    cronJobs = labelled(CronJob.self)
    autoscalers = labelled(HorizontalPodAutoscaler.self)
    networkPolicies = labelled(NetworkPolicy.self)
    ingresses = labelled(Ingress.self)
    disruptionBudgets = labelled(PodDisruptionBudget.self)
    roles = labelled(Role.self)
    roleBindings = labelled(RoleBinding.self)
    apiServer = Informer(
      client: client, EndpointSlice.self, namespace: "default",
      labelSelector: "kubernetes.io/service-name=kubernetes", logger: logger)
    byType = [
      ConfigMap.resourceType: configMaps, Secret.resourceType: secrets, Service.resourceType: services,
      ServiceAccount.resourceType: serviceAccounts, PersistentVolumeClaim.resourceType: claims,
      Deployment.resourceType: deployments, StatefulSet.resourceType: statefulSets, CronJob.resourceType: cronJobs,
      HorizontalPodAutoscaler.resourceType: autoscalers, NetworkPolicy.resourceType: networkPolicies,
      Ingress.resourceType: ingresses, PodDisruptionBudget.resourceType: disruptionBudgets,
      Role.resourceType: roles, RoleBinding.resourceType: roleBindings, Namespace.resourceType: namespaces,
    ]
  }

  var all: [any AnyInformer] { Array(byType.values) + [platforms, pods, jobs, apiServer] }

  /// The informer of a kind that the operator writes.
  func informer<Object: KubernetesResource>(_ type: Object.Type) -> Informer<Object>? {
    byType[Object.resourceType] as? Informer<Object>
  }

  func pods(_ platform: RTXPlatform, _ component: PlatformComponent) -> [Pod] {
    let selector = platform.selectorLabels(component)
    return pods.list { pod in
      pod.metadata.namespace == platform.namespace
        && selector.allSatisfy { pod.metadata.labels?[$0.key] == $0.value }
    }
  }
}
