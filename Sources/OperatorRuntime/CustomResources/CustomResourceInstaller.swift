public import KubernetesClient
public import KubernetesModels
public import Logging

/// A definition was refused, or is not served although everything was waited for.
public struct DefinitionNotServed: Error, CustomStringConvertible {
  public var definition: String
  public var problem: String
  public var description: String { "custom resource definition \(definition): \(problem)" }
}

/// Installs custom resource definitions and waits until their types can be used.
///
/// A definition that says `Established` is not served by every API server at once: a list may still meet 404, 500 or 503.
/// So the last word is a list that works.
public struct CustomResourceInstaller: Sendable {
  private let client: KubernetesClient
  private let fieldManager: String
  private let interval: Duration
  private let logger: Logger
  private let time: TimeSource

  /// - Parameter interval: The pause between two looks.
  public init(
    client: KubernetesClient, fieldManager: String, interval: Duration = .milliseconds(100),
    logger: Logger = Logger(label: "definitions"), clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.client = client
    self.fieldManager = fieldManager
    self.interval = interval
    self.logger = logger
    time = TimeSource(clock)
  }

  /// Applies the definitions and returns when every served version of them answers.
  /// - Throws: `DefinitionNotServed`, `DeadlineExceeded`, `KubernetesError`, `OwnershipConflict`.
  public func install(_ definitions: [CustomResourceDefinition], timeout: Duration = .seconds(60)) async throws {
    let applier = Applier(client: client, fieldManager: fieldManager)
    for definition in definitions {
      let observed = try await client.getIfPresent(CustomResourceDefinition.self, definition.key.name)
      if case .applied = try await applier.applyIfChanged(definition, observed: observed) {
        logger.info("applied", metadata: ["definition": "\(definition.key.name)"])
      }
    }
    try await wait(for: definitions.map(\.key.name), timeout: timeout)
  }

  /// Returns when every served version of the definitions answers; for those that somebody else installs.
  /// - Throws: `DefinitionNotServed`, `DeadlineExceeded`, `KubernetesError`.
  public func wait(for names: [String], timeout: Duration = .seconds(60)) async throws {
    try await withDeadline(timeout, time: time) { [self] in
      for name in names {
        while true {
          if let definition = try await established(name), try await isServed(definition) { break }
          try await time.sleep(for: interval)
        }
      }
    }
  }

  private func established(_ name: String) async throws -> CustomResourceDefinition? {
    guard let definition = try await client.getIfPresent(CustomResourceDefinition.self, name) else { return nil }
    let conditions = definition.status?.conditions ?? []
    if let refused = conditions.first(where: { $0.type == "NamesAccepted" && $0.status == "False" }) {
      throw DefinitionNotServed(definition: name, problem: refused.message ?? "its names are taken")
    }
    return conditions.contains { $0.type == "Established" && $0.status == "True" } ? definition : nil
  }

  private func isServed(_ definition: CustomResourceDefinition) async throws -> Bool {
    for version in definition.spec.versions where version.served {
      let type = ResourceType(
        group: definition.spec.group, version: version.name, kind: definition.spec.names.kind,
        plural: definition.spec.names.plural, isNamespaced: definition.spec.scope == "Namespaced")
      do {
        _ = try await client.list(type, options: ListOptions(limit: 1, resourceVersion: "0"))
      } catch let error as KubernetesError where error.isNotFound || error.isTransient {
        return false
      }
    }
    return true
  }
}
