import FoundationEssentials
import KubernetesClient
import KubernetesModels

/// Reads what pods refer to by name: always from the API server, so that a pod that starts after a change sees the change.
struct ConfigurationReader: Sendable {
  var client: KubernetesClient

  /// Texts and binary data alike, as bytes; nil when there is no such ConfigMap.
  func configMap(_ name: String, in namespace: String) async throws -> [String: [UInt8]]? {
    guard let object = try await found({ try await client.get(ConfigMap.self, name, in: namespace) }) else {
      return nil
    }
    var data = (object.data ?? [:]).mapValues { Array($0.utf8) }
    for (key, text) in object.binaryData ?? [:] { data[key] = Self.decode(text) }
    return data
  }

  func secret(_ name: String, in namespace: String) async throws -> [String: [UInt8]]? {
    guard let object = try await found({ try await client.get(Secret.self, name, in: namespace) }) else { return nil }
    return (object.data ?? [:]).mapValues { Self.decode($0) }
  }

  /// The folder behind a claim.
  /// - Throws: ``VolumeError`` while the claim is not bound to a volume with a path.
  func claimPath(_ name: String, in namespace: String) async throws -> String {
    guard let claim = try await found({ try await client.get(PersistentVolumeClaim.self, name, in: namespace) }) else {
      throw VolumeError("persistentvolumeclaim \"\(name)\" not found")
    }
    guard let volumeName = claim.spec?.volumeName, claim.status?.phase == "Bound" else {
      throw VolumeError("persistentvolumeclaim \"\(name)\" is not bound to a volume yet")
    }
    let type = ResourceType(
      group: "", version: "v1", kind: "PersistentVolume", plural: "persistentvolumes", isNamespaced: false)
    let volume = try await found { try await client.get(type, volumeName) }
    let spec = volume?.json["spec"]
    guard let path = (spec?["hostPath"] ?? spec?["local"])?["path"]?.stringValue else {
      throw VolumeError(
        "persistentvolume \"\(volumeName)\" has neither hostPath nor local: this node knows no other kind")
    }
    return path
  }

  /// A token for a service account that dies with the pod (TokenRequest API).
  func token(
    account: String, namespace: String, audience: String?, seconds: Int, pod: Pod
  ) async throws -> (token: String, expires: Date) {
    var spec: JSONValue = ["expirationSeconds": .integer(Int64(seconds))]
    spec["audiences"] = .array(audience.map { [.string($0)] } ?? [])
    spec["boundObjectRef"] = [
      "kind": "Pod", "apiVersion": "v1", "name": .string(pod.metadata.name ?? ""),
      "uid": .string(pod.metadata.uid ?? ""),
    ]
    let body: JSONValue = ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec]
    let response = try await client.raw(
      KubernetesRequest(
        method: .post, path: "/api/v1/namespaces/\(namespace)/serviceaccounts/\(account)/token",
        headers: [(name: "Content-Type", value: "application/json")], body: body.serialized()))
    let json = try JSONValue(parsing: try await response.body.collect(upTo: 1 << 20))
    guard let token = json.value(at: ["status", "token"])?.stringValue else {
      throw VolumeError(
        "no token for service account \(account): \(json["message"]?.stringValue ?? "status \(response.status)")")
    }
    let expires = json.value(at: ["status", "expirationTimestamp"])?.stringValue.flatMap { Timestamp($0) }
    return (token, expires?.date ?? Date().addingTimeInterval(Double(seconds)))
  }

  private func found<T>(_ read: () async throws -> T) async throws -> T? {
    do {
      return try await read()
    } catch let error as KubernetesError where error.isNotFound {
      return nil
    }
  }

  static func decode(_ base64: String) -> [UInt8] {
    Data(base64Encoded: base64, options: .ignoreUnknownCharacters).map { Array($0) } ?? []
  }
}
