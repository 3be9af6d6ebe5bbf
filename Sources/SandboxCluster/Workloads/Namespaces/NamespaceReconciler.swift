import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Gives namespaces what each has (service account, root certificate), and empties those that are being deleted.
struct NamespaceReconciler: Reconciler {
  let context: WorkloadContext

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let namespace = context.namespaces.get(key) else { return .done }
    guard namespace.isBeingDeleted else {
      try await furnish(key.name)
      return .done
    }
    guard namespace.spec?.finalizers?.contains("kubernetes") == true else { return .done }
    let left = try await empty(key.name)
    if left.isEmpty {
      try await finalize(namespace)
      return .done
    }
    try await report(left, namespace)
    return .requeue(after: .milliseconds(300))
  }

  private func furnish(_ name: String) async throws {
    if context.serviceAccounts.get("default", in: name) == nil {
      try await context.createIfAbsent(ServiceAccount(metadata: ObjectMeta(name: "default", namespace: name)))
    }
    if let certificate = context.configuration.rootCertificate,
      context.configMaps.get("kube-root-ca.crt", in: name) == nil
    {
      try await context.createIfAbsent(
        ConfigMap(
          data: ["ca.crt": certificate], metadata: ObjectMeta(name: "kube-root-ca.crt", namespace: name)))
    }
  }

  /// Deletes everything in the namespace, of every type.
  /// - Returns: What is still there, as `pods: 2`.
  private func empty(_ name: String) async throws -> [String] {
    let resources = try await context.client.discover().resources.filter { resource in
      resource.type.isNamespaced && resource.verbs.contains("list") && resource.verbs.contains("delete")
    }
    var left: [String] = []
    // Both event groups show the same objects; what is gone under one name is gone under the other.
    for resource in resources {
      let objects = try await context.client.list(resource.type, in: name).items
      for object in objects where !object.isBeingDeleted {
        do {
          try await context.client.delete(
            resource.type, object.name ?? "", in: name,
            options: DeleteOptions(propagation: .background, uid: object.uid))
        } catch let error as KubernetesError where error.isNotFound || error.isConflict {
          continue
        }
      }
      let remaining = objects.isEmpty ? 0 : try await context.client.list(resource.type, in: name).items.count
      if remaining > 0 { left.append("\(resource.type.plural): \(remaining)") }
    }
    return left
  }

  private func report(_ left: [String], _ namespace: Namespace) async throws {
    let message = "Some resources are remaining: " + left.joined(separator: ", ")
    let known = namespace.status?.conditions?.first { $0.type == "NamespaceContentRemaining" }
    guard known?.message != message else { return }
    var status = namespace.status ?? KubernetesModels.NamespaceStatus()
    status.phase = "Terminating"
    status.conditions =
      (status.conditions ?? []).filter { $0.type != "NamespaceContentRemaining" } + [
        NamespaceCondition(
          lastTransitionTime: known?.lastTransitionTime ?? .now, message: message, reason: "SomeResourcesRemain",
          status: "True", type: "NamespaceContentRemaining")
      ]
    try await context.writeStatus(of: namespace, status)
  }

  private func finalize(_ namespace: Namespace) async throws {
    let name = namespace.metadata.name ?? ""
    do {
      var current = try await context.client.get(Namespace.self, name, in: nil)
      guard current.metadata.uid == namespace.metadata.uid else { return }
      let others = (current.spec?.finalizers ?? []).filter { $0 != "kubernetes" }
      current.spec?.finalizers = others
      _ = try await context.client.replace(current, subresource: "finalize")
    } catch let error as KubernetesError where error.isNotFound {
      return
    }
  }
}
