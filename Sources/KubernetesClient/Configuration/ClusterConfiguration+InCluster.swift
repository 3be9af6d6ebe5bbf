public import FoundationEssentials

extension ClusterConfiguration {
  /// Where the kubelet mounts a pod's credentials (Kubernetes: "Accessing the Kubernetes API from a Pod").
  public static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

  /// What the kubelet gives every pod: address in the environment, token, authority and namespace in files.
  /// - Throws: ``ConfigurationError`` when a piece is missing.
  public static func inCluster(
    environment: [String: String] = ProcessInfo.processInfo.environment, folder: String = serviceAccountFolder
  ) throws -> ClusterConfiguration {
    guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
      let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
    else {
      throw ConfigurationError(
        file: "environment", field: "KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT", problem: "not set",
        remedy: "point KUBECONFIG at a kubeconfig file, or run in a pod")
    }
    let remedy = "let the pod have its service account's token (automountServiceAccountToken: true)"
    let authority = try ConfigurationFile.read(folder + "/ca.crt", field: nil, remedy: remedy)
    _ = try ConfigurationFile.read(folder + "/token", field: nil, remedy: remedy)
    let namespace = try? ConfigurationFile.read(folder + "/namespace", field: nil, remedy: remedy)
    let address = host.contains(":") ? "[\(host)]" : host
    var configuration = ClusterConfiguration(
      server: "https://\(address):\(port)",
      namespace: namespace.map { ConfigurationFile.trimmedText($0) } ?? "default",
      certificateAuthority: authority, credentials: Credentials(bearer: .file(folder + "/token")), source: folder)
    configuration.certificateAuthorityFile = folder + "/ca.crt"
    return configuration
  }
}

/// Reads the files that configurations point to.
enum ConfigurationFile {
  static func read(_ path: String, field: String?, in file: String? = nil, remedy: String) throws -> [UInt8] {
    do {
      return [UInt8](try Data(contentsOf: URL(filePath: path)))
    } catch {
      let reason = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "does not exist"
      throw ConfigurationError(
        file: file ?? path, field: field, problem: file == nil ? reason : "\(path) \(reason)", remedy: remedy)
    }
  }

  static func trimmedText(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let first = text.firstIndex(where: { !$0.isWhitespace }),
      let last = text.lastIndex(where: { !$0.isWhitespace })
    else { return "" }
    return String(text[first...last])
  }
}
