import ArgumentParser
import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import Widgets

/// The operator that is measured: six objects a widget, repaired when they drift, and a status.
@main
struct WidgetOperator: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "widget-operator", abstract: "The operator under test, on OperatorRuntime.")

  @Option(help: "Workers, that is reconciles at a time.")
  var workers = 10

  @Option(help: "Where the reconcile-start latencies go, one number of microseconds a line, when it is told to stop.")
  var latencies: String

  func run() async throws {
    var logger = Logger(label: "widget-operator")
    logger.logLevel = .warning
    let client = try KubernetesClient(configuration: .inferred())
    let manager = Manager(client: client, logger: logger, options: ManagerOptions(healthPort: nil, metricsPort: nil))
    let owned = InformerOptions(labelSelector: WidgetReconciler.label)
    let reconciler = WidgetReconciler(
      widgets: Informer(client: client, Widget.self, transform: .withoutManagedFields, logger: logger),
      configMaps: Informer(
        client: client, ConfigMap.self, options: owned, transform: .withoutManagedFields, logger: logger),
      secrets: Informer(client: client, Secret.self, options: owned, transform: .withoutManagedFields, logger: logger),
      services: Informer(
        client: client, Service.self, options: owned, transform: .withoutManagedFields, logger: logger),
      accounts: Informer(
        client: client, ServiceAccount.self, options: owned, transform: .withoutManagedFields, logger: logger),
      client: client, applier: Applier(client: client, fieldManager: "widget-operator"))
    let controller = Controller(name: "widget", reconciler: reconciler, workers: workers, logger: logger)
    controller.watch(reconciler.widgets)
    controller.own(reconciler.configMaps, ownerKind: "Widget")
    controller.own(reconciler.secrets, ownerKind: "Widget")
    controller.own(reconciler.services, ownerKind: "Widget")
    controller.own(reconciler.accounts, ownerKind: "Widget")
    for informer in reconciler.informers { manager.add(informer) }
    manager.add(controller)
    try await manager.run()
    try reconciler.latency.write(to: latencies)
    try await client.shutdown()
  }
}

struct WidgetReconciler: Reconciler {
  static let label = "bench.example.com/widget"

  let widgets: Informer<Widget>
  let configMaps: Informer<ConfigMap>
  let secrets: Informer<Secret>
  let services: Informer<Service>
  let accounts: Informer<ServiceAccount>
  let client: KubernetesClient
  let applier: Applier
  let latency = LatencyLog()

  var informers: [any AnyInformer] { [widgets, configMaps, secrets, services, accounts] }

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let widget = widgets.get(key) else { return .done }
    latency.note(widget)
    func metadata(_ part: String) -> ObjectMeta {
      ObjectMeta(
        labels: [Self.label: key.name], name: "\(key.name)-\(part)", namespace: key.namespace,
        ownerReferences: OwnerReference(controlling: widget).map { [$0] })
    }
    let value = widget.spec?.value ?? ""
    for part in ["a", "b"] {
      let settings = ConfigMap(data: ["value": value, "part": part], metadata: metadata(part))
      _ = try await applier.applyIfChanged(settings, knownTo: configMaps)
      let secret = Secret(data: ["value": Self.base64(value)], metadata: metadata(part))
      _ = try await applier.applyIfChanged(secret, knownTo: secrets)
    }
    let service = Service(
      metadata: metadata("svc"),
      spec: ServiceSpec(clusterIP: "None", ports: [ServicePort(port: 80)], selector: ["app": key.name]))
    _ = try await applier.applyIfChanged(service, knownTo: services)
    let account = ServiceAccount(metadata: metadata("sa"))
    _ = try await applier.applyIfChanged(account, knownTo: accounts)

    let status = Widget.Status(observedGeneration: widget.metadata.generation, objects: 6)
    if widget.status != status {
      let patch: JSONValue = ["status": try JSONValue(encoding: status)]
      let written: Widget = try await client.patch(
        Widget.self, key.name, in: key.namespace, .merge(patch), subresource: "status")
      widgets.note(written: written)
    }
    return .done
  }

  private static func base64(_ text: String) -> String { Base64Text.encode(Array(text.utf8)) }
}
