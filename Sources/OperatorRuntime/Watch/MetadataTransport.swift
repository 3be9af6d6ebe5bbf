import KubernetesClient

/// Asks for objects without spec and status: content negotiation to `PartialObjectMetadata` (Kubernetes API concepts,
/// "Fetch of objects' metadata").
struct MetadataTransport: KubernetesTransport {
  let base: any KubernetesTransport

  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    var request = request
    let isWatch = request.query.contains { $0.name == "watch" }
    let kind = isWatch ? "PartialObjectMetadata" : "PartialObjectMetadataList"
    request.headers.removeAll { $0.name.lowercased() == "accept" }
    request.headers.append((name: "Accept", value: "application/json;as=\(kind);g=meta.k8s.io;v=v1"))
    return try await base.send(request)
  }

  func shutdown() async throws { try await base.shutdown() }
}

extension KubernetesClient {
  func forMetadataOnly() -> KubernetesClient { over(MetadataTransport(base: transport)) }
}
