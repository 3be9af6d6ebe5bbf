import KubernetesModels

/// A container's environment, and the `$(NAME)` references in its command (Kubernetes: "Define Environment Variables").
struct ContainerEnvironment: Sendable, Equatable {
  private(set) var values: [String: String]

  init(_ values: [String: String] = [:]) { self.values = values }

  /// Sets a variable; references to earlier ones in its text are replaced.
  mutating func set(_ name: String, to text: String) { values[name] = expand(text) }

  /// Sets a variable to exactly this text, as values from Secrets and ConfigMaps are.
  mutating func setVerbatim(_ name: String, to text: String) { values[name] = text }

  /// Replaces `$(NAME)` by the variable's value. `$$` stands for one `$`; unknown names stay as they are.
  func expand(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      if rest.first == "$" {
        result += "$"
        rest = rest.dropFirst()
      } else if rest.first == "(", let end = rest.firstIndex(of: ")") {
        let name = String(rest[rest.index(after: rest.startIndex)..<end])
        result += values[name] ?? "$(\(name))"
        rest = rest[rest.index(after: end)...]
      } else {
        result += "$"
      }
    }
    return result + rest
  }

  /// Reads everything that the container's `envFrom` and `env` name.
  ///
  /// - Throws: ``VolumeError`` in the kubelet's words when a ConfigMap, Secret or key is missing.
  static func resolve(
    _ container: Container, in namespace: String, base: [String: String], fields: PodFields,
    reader: ConfigurationReader
  ) async throws -> ContainerEnvironment {
    var environment = ContainerEnvironment(base)
    for source in container.envFrom ?? [] {
      let data: [String: [UInt8]]?
      let isOptional: Bool
      let what: String
      if let reference = source.configMapRef {
        what = "configmap \"\(reference.name ?? "")\""
        data = try await reader.configMap(reference.name ?? "", in: namespace)
        isOptional = reference.optional ?? false
      } else if let reference = source.secretRef {
        what = "secret \"\(reference.name ?? "")\""
        data = try await reader.secret(reference.name ?? "", in: namespace)
        isOptional = reference.optional ?? false
      } else {
        continue
      }
      guard let data else {
        if isOptional { continue }
        throw VolumeError("\(what) not found")
      }
      for (key, value) in data {
        environment.setVerbatim((source.prefix ?? "") + key, to: String(decoding: value, as: UTF8.self))
      }
    }
    for variable in container.env ?? [] {
      guard let source = variable.valueFrom else {
        environment.set(variable.name, to: variable.value ?? "")
        continue
      }
      let value = try await value(
        of: source, container: container.name, in: namespace, fields: fields, reader: reader)
      if let value { environment.setVerbatim(variable.name, to: value) }
    }
    return environment
  }

  private static func value(
    of source: EnvVarSource, container: String, in namespace: String, fields: PodFields, reader: ConfigurationReader
  ) async throws -> String? {
    if let field = source.fieldRef { return try fields.value(field.fieldPath) }
    if let resource = source.resourceFieldRef { return try fields.value(resource, container: container) }
    let data: [String: [UInt8]]?
    let (what, key, isOptional): (String, String, Bool)
    if let selector = source.configMapKeyRef {
      data = try await reader.configMap(selector.name ?? "", in: namespace)
      (what, key, isOptional) = ("configmap \"\(selector.name ?? "")\"", selector.key, selector.optional ?? false)
    } else if let selector = source.secretKeyRef {
      data = try await reader.secret(selector.name ?? "", in: namespace)
      (what, key, isOptional) = ("secret \"\(selector.name ?? "")\"", selector.key, selector.optional ?? false)
    } else {
      return nil
    }
    if let bytes = data?[key] { return String(decoding: bytes, as: UTF8.self) }
    if isOptional { return nil }
    throw VolumeError(data == nil ? "\(what) not found" : "couldn't find key \(key) in \(what)")
  }
}
