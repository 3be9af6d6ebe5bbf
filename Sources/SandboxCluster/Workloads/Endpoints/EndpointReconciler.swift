import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Keeps the EndpointSlices and Endpoints of services current.
struct EndpointReconciler: Reconciler {
  let context: WorkloadContext

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    // The API server says itself where it is.
    guard key != ObjectKey(namespace: "default", name: "kubernetes") else { return .done }
    let ours = [EndpointPlan.controllerName, EndpointMirror.controllerName]
    let present = context.slices.list(namespace: key.namespace) { slice in
      slice.metadata.labels?[EndpointPlan.serviceLabel] == key.name
        && slice.metadata.labels?[EndpointPlan.managedByLabel].map(ours.contains) ?? false
    }
    let endpoints = context.endpoints.get(key)
    guard let service = context.services.get(key), !service.isBeingDeleted, service.spec?.type != "ExternalName" else {
      for slice in present { try await context.delete(slice) }
      if let endpoints, endpoints.metadata.labels?[EndpointPlan.endpointsLabel] == EndpointPlan.endpointsController {
        try await context.delete(endpoints)
      }
      return .done
    }
    guard let selector = service.spec?.selector, !selector.isEmpty else {
      let wanted = endpoints.map { EndpointMirror.slices(of: $0, for: service) } ?? []
      try await write(wanted, present: present)
      return .done
    }
    let pods = context.pods.list(namespace: key.namespace) { pod in
      selector.allSatisfy { pod.metadata.labels?[$0.key] == $0.value }
    }
    let plan = EndpointPlan(service, pods: pods)
    try await write(plan.slices(for: service), present: present)
    try await write(plan.endpoints(for: service), present: endpoints)
    return .done
  }

  private func write(_ wanted: [EndpointSlice], present: [EndpointSlice]) async throws {
    var surplus = Dictionary(present.map { ($0.metadata.name ?? "", $0) }) { first, _ in first }
    for slice in wanted {
      guard let known = surplus.removeValue(forKey: slice.metadata.name ?? "") else {
        do {
          _ = try await context.client.create(slice)
        } catch let error as KubernetesError where error.isAlreadyExists {
          throw ReconcileError.retry("slice \(slice.metadata.name ?? "") not seen yet", after: .milliseconds(50))
        }
        continue
      }
      guard
        known.endpoints ?? [] != slice.endpoints ?? [] || known.ports ?? [] != slice.ports ?? []
          || known.metadata.labels != slice.metadata.labels
      else { continue }
      _ = try await context.patch(
        known,
        [
          "metadata": ["labels": JSONValue(slice.metadata.labels ?? [:])],
          "endpoints": try JSONValue(encoding: slice.endpoints ?? []),
          "ports": try JSONValue(encoding: slice.ports ?? []),
        ])
    }
    for slice in surplus.values { try await context.delete(slice) }
  }

  private func write(_ wanted: Endpoints, present: Endpoints?) async throws {
    guard let present else {
      try await context.createIfAbsent(wanted)
      return
    }
    let isSame = present.subsets ?? [] == wanted.subsets ?? []
    guard !isSame || present.metadata.labels != wanted.metadata.labels else { return }
    _ = try await context.patch(
      present,
      [
        "metadata": ["labels": JSONValue(wanted.metadata.labels ?? [:])],
        "subsets": try JSONValue(encoding: wanted.subsets ?? []),
      ])
  }
}
