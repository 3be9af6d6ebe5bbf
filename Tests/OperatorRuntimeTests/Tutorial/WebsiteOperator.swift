import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime

/// What the user writes: a page of text that is to be served.
struct Website: KubernetesResource {
  static let resourceType = ResourceType(
    group: "example.com", version: "v1", kind: "Website", plural: "websites", isNamespaced: true)

  struct Spec: Codable, Sendable, Equatable {
    var text: String
    var replicas: Int?
  }

  struct Status: Codable, Sendable, Equatable {
    var observedGeneration: Int?
    var conditions: [Condition]?
  }

  var apiVersion: String? = "example.com/v1"
  var kind: String? = "Website"
  var metadata: ObjectMeta
  var spec: Spec
  var status: Status?
}

/// What a website is made of: pure functions, to be tested without a cluster.
extension Website {
  var labels: [String: String] { ["app.kubernetes.io/name": "website", "app.kubernetes.io/instance": key.name] }

  func metadata(_ suffix: String) -> ObjectMeta {
    ObjectMeta(
      labels: labels, name: key.name + suffix, namespace: key.namespace,
      ownerReferences: OwnerReference(controlling: self).map { [$0] })
  }

  var page: ConfigMap { ConfigMap(data: ["index.html": spec.text], metadata: metadata("-page")) }

  var server: Deployment {
    let container = Container(
      image: "nginx:1.27", name: "nginx",
      volumeMounts: [VolumeMount(mountPath: "/usr/share/nginx/html", name: "page")])
    let volume = Volume(configMap: ConfigMapVolumeSource(name: key.name + "-page"), name: "page")
    return Deployment(
      metadata: metadata("-server"),
      spec: DeploymentSpec(
        replicas: spec.replicas ?? 1, selector: LabelSelector(matchLabels: labels),
        template: PodTemplateSpec(
          metadata: ObjectMeta(labels: labels), spec: PodSpec(containers: [container], volumes: [volume]))))
  }
}

/// Makes the cluster equal to what a website asks for, and says in its status how far that is.
struct WebsiteReconciler: Reconciler {
  let client: KubernetesClient
  let applier: Applier
  let websites: Informer<Website>
  let pages: Informer<ConfigMap>
  let servers: Informer<Deployment>

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    // Deleted: the owner references let the cluster collect what belonged to it.
    guard let website = websites.get(key), !website.isBeingDeleted else { return .done }
    guard !website.spec.text.isEmpty else {
      try await report(.failed(reason: "InvalidSpec", message: "spec.text: is empty; write something"), on: website)
      return .done
    }
    _ = try await applier.applyIfChanged(website.page, knownTo: pages)
    _ = try await applier.applyIfChanged(website.server, knownTo: servers)

    let wanted = website.spec.replicas ?? 1
    let ready = servers.get(website.server.key)?.status?.readyReplicas ?? 0
    let waiting = Progress.inProgress(reason: "ServersStarting", message: "\(ready) of \(wanted) are ready")
    try await report(ready == wanted ? .current : waiting, on: website)
    return .done
  }

  private func report(_ progress: Progress, on website: Website) async throws {
    var status = website.status ?? Website.Status()
    status.conditions = status.conditions ?? []
    status.conditions?.set(progress, observedGeneration: website.metadata.generation)
    status.observedGeneration = website.metadata.generation
    guard status != website.status else { return }
    var changed = website
    changed.status = status
    websites.note(written: try await client.replaceStatus(changed))
  }
}

/// Wires it: shared informers, one controller, and which changes wake it.
func websiteOperator(client: KubernetesClient, logger: Logger, options: ManagerOptions) -> Manager {
  let manager = Manager(client: client, logger: logger, options: options)
  let websites = manager.informers.informer(for: Website.self)
  let owned = InformerOptions(labelSelector: "app.kubernetes.io/name=website")
  let pages = manager.informers.informer(for: ConfigMap.self, options: owned, transform: .withoutManagedFields)
  let servers = manager.informers.informer(for: Deployment.self, options: owned, transform: .withoutManagedFields)
  let writer = manager.leaderClient
  let reconciler = WebsiteReconciler(
    client: writer, applier: Applier(client: writer, fieldManager: "website-operator"), websites: websites,
    pages: pages, servers: servers)
  let controller = Controller(name: "website", reconciler: reconciler, logger: logger)
  controller.watch(websites, matching: .generationChanged)
  controller.own(pages, by: Website.self)
  controller.own(servers, by: Website.self)
  manager.add(controller)
  return manager
}
