import KubernetesClient
import KubernetesModels

extension APIServer {
  /// Assigns a Pod to a node: what a scheduler does.
  func bind(_ call: inout Call) throws -> KubernetesResponse {
    let (binding, _) = try ObjectReader.parse(call.request.body, contentType: call.request.header("Content-Type"))
    guard let node = binding.textAt("target", "name"), !node.isEmpty else {
      throw APIStatusError.badRequest("Binding.target.name: Required value")
    }
    let info = call.info
    let podName = call.target.name
    _ = try change(&call) { old, _ in
      if let present = old.textAt("spec", "nodeName"), !present.isEmpty {
        throw APIStatusError.conflict(info, podName, "pod \(podName) is already assigned to node \"\(present)\"")
      }
      if old.isDeleting {
        throw APIStatusError.conflict(info, podName, "pod \(podName) is being deleted, cannot be assigned to a host")
      }
      var pod = old
      pod.set(.string(node), at: ["spec", "nodeName"])
      for (key, value) in binding.mapAt("metadata", "annotations") {
        pod.set(value, at: ["metadata", "annotations", key])
      }
      var conditions = pod.itemsAt("status", "conditions").filter { $0["type"]?.stringValue != "PodScheduled" }
      conditions.append([
        "type": "PodScheduled", "status": "True", "lastProbeTime": .null, "lastTransitionTime": ServerTime.now,
      ])
      pod.set(.array(conditions), at: ["status", "conditions"])
      return pod
    }
    return .json(201, ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201])
  }

  /// Deletes a Pod if its disruption budget allows (API concepts: "API-initiated Eviction").
  func evict(_ call: inout Call) throws -> KubernetesResponse {
    let (eviction, _) = try ObjectReader.parse(call.request.body, contentType: call.request.header("Content-Type"))
    if !eviction.metadataName.isEmpty, eviction.metadataName != call.target.name {
      throw APIStatusError.badRequest("name in URL does not match name in Eviction object")
    }
    var options = Deletion.Options()
    if let given = eviction["deleteOptions"] {
      options.merge(given)
      if !given.itemsAt("dryRun").isEmpty { call = call.asDryRun() }
    }
    let pod = try stored(call)
    if !["Succeeded", "Failed", "Pending"].contains(pod.json.textAt("status", "phase") ?? "Pending"),
      !pod.json.isDeleting
    {
      try spendDisruption(for: pod, call)
    }
    _ = try delete(named: pod.name, options, call)
    return .json(201, ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201])
  }

  /// Takes one allowed disruption from the budget that covers a Pod.
  private func spendDisruption(for pod: StoredObject, _ call: Call) throws {
    guard let info = registry.find(group: "policy", version: "v1", plural: "poddisruptionbudgets") else { return }
    let budgets = store.list(info.storage, namespace: pod.name.namespace).objects.filter {
      LabelSelector(object: $0.json.at("spec", "selector"))?.matches(object: pod.json) ?? false
    }
    guard budgets.count <= 1 else {
      throw APIStatusError.internalError(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
    }
    guard let budget = budgets.first else { return }
    for _ in 0..<20 {
      guard let current = store.get(info.storage, budget.name) else { return }
      var json = current.json
      let allowed = json.intAt("status", "disruptionsAllowed") ?? 0
      let isCurrent = (json.intAt("status", "observedGeneration") ?? 0) >= (json.intAt("metadata", "generation") ?? 1)
      guard allowed > 0, isCurrent else { throw Self.refusedEviction(json, isCurrent) }
      json.set(.integer(Int64(allowed - 1)), at: ["status", "disruptionsAllowed"])
      json.set(ServerTime.now, at: ["status", "disruptedPods", pod.name.name])
      if call.isDryRun { return }
      do {
        _ = try store.update(info.storage, budget.name, expected: current.revision, json)
        return
      } catch StoreError.conflict {
        continue
      }
    }
  }

  private static func refusedEviction(_ budget: JSONValue, _ isCurrent: Bool) -> APIStatusError {
    let name = budget.metadataName
    let healthy = budget.intAt("status", "currentHealthy") ?? 0
    let desired = budget.intAt("status", "desiredHealthy") ?? 0
    return .tooManyRequests(
      "Cannot evict pod as it would violate the pod's disruption budget.", retryAfter: isCurrent ? 0 : 10,
      cause: [
        "reason": "DisruptionBudget",
        "message": .string("The disruption budget \(name) needs \(desired) healthy pods and has \(healthy) currently"),
      ])
  }

  /// Streams a container's log.
  func podLog(_ call: Call) async throws -> KubernetesResponse {
    let pod = try stored(call).json
    guard let source = currentHooks.logs else { throw APIStatusError.internalError("no node serves logs") }
    var query = PodLogRequest(namespace: call.target.namespace, podName: call.target.name, pod: pod)
    query.container = try containerName(call, pod)
    query.follow = call.flag("follow")
    query.previous = call.flag("previous")
    query.timestamps = call.flag("timestamps")
    query.tailLines = try call.number("tailLines")
    query.sinceSeconds = try call.number("sinceSeconds")
    query.sinceTime = call.text("sinceTime")
    query.limitBytes = try call.number("limitBytes")
    return KubernetesResponse(
      status: 200, headers: [("Content-Type", "text/plain")], body: try await source.logs(query))
  }

  /// The container that a log or a stream is about; may stay unsaid when there is only one.
  private func containerName(_ call: Call, _ pod: JSONValue) throws(APIStatusError) -> String {
    let main = pod.itemsAt("spec", "containers").map(\.containerName)
    let all =
      main + pod.itemsAt("spec", "initContainers").map(\.containerName)
      + pod.itemsAt("spec", "ephemeralContainers").map(\.containerName)
    if let name = call.text("container") {
      guard all.contains(name) else {
        throw APIStatusError.badRequest("container \(name) is not valid for pod \(call.target.name)")
      }
      return name
    }
    guard main.count == 1 else {
      throw APIStatusError.badRequest(
        "a container name must be specified for pod \(call.target.name), choose one of: [\(main.joined(separator: " "))]"
      )
    }
    return main[0]
  }
}

extension JSONValue {
  /// `name` of a container, volume or port.
  fileprivate var containerName: String { self["name"]?.stringValue ?? "" }
}
