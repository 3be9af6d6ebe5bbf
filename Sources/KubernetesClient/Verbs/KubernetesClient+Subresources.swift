public import KubernetesModels

/// The scale subresource of a workload or custom resource (autoscaling/v1 Scale, the part that matters).
public struct ResourceScale: Sendable, Hashable {
  /// How many replicas are asked for.
  public var desiredReplicas: Int
  /// How many there are.
  public var currentReplicas: Int
  /// The label selector of the replicas, as text.
  public var selector: String?
  /// The version of the object.
  public var resourceVersion: String?

  init(_ json: JSONValue) {
    desiredReplicas = json.value(at: ["spec", "replicas"])?.intValue ?? 0
    currentReplicas = json.value(at: ["status", "replicas"])?.intValue ?? 0
    selector = json.value(at: ["status", "selector"])?.stringValue
    resourceVersion = json.value(at: ["metadata", "resourceVersion"])?.stringValue
  }
}

/// A token for a service account, bound to a time. Its description hides it.
public struct ServiceAccountToken: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The token itself: a secret.
  public var token: String
  /// When it ends to be valid, RFC 3339.
  public var expiration: String?

  public var description: String { "token valid until \(expiration ?? "an unknown time")" }
  public var debugDescription: String { description }
}

extension KubernetesClient {
  /// Reads how many replicas an object asks for and has.
  /// - Throws: ``KubernetesError``; ``KubernetesError/isNotFound`` also when the type cannot be scaled.
  public func scale<R: KubernetesResource>(
    of type: R.Type, _ name: String, in namespace: String? = nil
  ) async throws -> ResourceScale {
    try await scale(of: R.resourceType, name, in: namespace)
  }

  /// Reads how many replicas an object asks for and has.
  /// - Throws: ``KubernetesError``.
  public func scale(of type: ResourceType, _ name: String, in namespace: String? = nil) async throws -> ResourceScale {
    ResourceScale(try await getJSON(type, name, in: namespace, subresource: "scale"))
  }

  /// Asks for a number of replicas.
  /// - Throws: ``KubernetesError``.
  @discardableResult
  public func scale<R: KubernetesResource>(
    _ type: R.Type, _ name: String, in namespace: String? = nil, to replicas: Int, options: WriteOptions = .init()
  ) async throws -> ResourceScale {
    try await scale(R.resourceType, name, in: namespace, to: replicas, options: options)
  }

  /// Asks for a number of replicas.
  /// - Throws: ``KubernetesError``.
  @discardableResult
  public func scale(
    _ type: ResourceType, _ name: String, in namespace: String? = nil, to replicas: Int,
    options: WriteOptions = .init()
  ) async throws -> ResourceScale {
    let patch = Patch.merge(["spec": ["replicas": .integer(Int64(replicas))]])
    return ResourceScale(
      try await patchJSON(type, name, in: namespace, patch, subresource: "scale", options: options))
  }

  /// Asks for a pod to be evicted (Kubernetes: "API-initiated eviction"), which disruption budgets may forbid.
  /// - Throws: ``KubernetesError``; ``KubernetesError/isTooManyRequests`` when a budget forbids it for now.
  public func evict(pod name: String, in namespace: String, options: DeleteOptions = .init()) async throws {
    let body: JSONValue = [
      "apiVersion": "policy/v1", "kind": "Eviction",
      "metadata": ["name": .string(name), "namespace": .string(namespace)], "deleteOptions": options.body,
    ]
    let path = try ResourcePath.object(.pods, name: name, namespace: namespace, subresource: "eviction")
    _ = try await json(request(.post, path, body: body.serialized()))
  }

  /// Asks for a token of a service account (authentication.k8s.io/v1 TokenRequest).
  /// - Parameters:
  ///   - audiences: who is to accept it; none means the API server.
  ///   - expirationSeconds: at least 600, as the API server demands; it may shorten long ones.
  ///   - pod: a pod that the token dies with.
  /// - Throws: ``KubernetesError``.
  public func createToken(
    serviceAccount name: String, in namespace: String, audiences: [String] = [], expirationSeconds: Int = 3600,
    boundTo pod: Pod? = nil
  ) async throws -> ServiceAccountToken {
    let accounts = ResourceType(
      group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts", isNamespaced: true)
    var body: JSONValue = [
      "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
      "spec": ["expirationSeconds": .integer(Int64(expirationSeconds))],
    ]
    if !audiences.isEmpty { body.set(.array(audiences.map { .string($0) }), at: ["spec", "audiences"]) }
    if let pod {
      var reference: JSONValue = ["apiVersion": "v1", "kind": "Pod", "name": .string(pod.metadata.name ?? "")]
      if let uid = pod.metadata.uid { reference["uid"] = .string(uid) }
      body.set(reference, at: ["spec", "boundObjectRef"])
    }
    let path = try ResourcePath.object(accounts, name: name, namespace: namespace, subresource: "token")
    let answer = try await json(request(.post, path, body: body.serialized()))
    guard let token = answer.value(at: ["status", "token"])?.stringValue else {
      throw KubernetesError.decoding("the server answered a token request for \(namespace)/\(name) without a token")
    }
    return ServiceAccountToken(
      token: token, expiration: answer.value(at: ["status", "expirationTimestamp"])?.stringValue)
  }
}
