public import KubernetesClient
public import KubernetesModels
import Synchronization

/// What became of an object that was to be applied.
public enum ApplyOutcome<Object: Sendable>: Sendable {
  /// It was as desired already; nothing was written.
  case unchanged
  case applied(Object)
}

/// Server-side apply that writes only when something differs.
///
/// Nothing is written when the object's hash annotation says that exactly this was applied last, and the object still has
/// all of it. After a write its result is remembered until the informer has caught up, so that an old copy in the
/// store does not cause a second write; an informer that is named is shown the result, and nothing is held twice.
public struct Applier: Sendable {
  private struct Slot: Hashable {
    var type: ResourceType
    var key: ObjectKey
  }

  private final class Memory: Sendable {
    let results = Mutex<[Slot: JSONValue]>([:])
  }

  public let client: KubernetesClient
  public let fieldManager: String
  private let force: Bool
  private let memory = Memory()

  /// - Parameter force: Take over fields that others own, as the "Server-Side Apply" page advises for controllers. When
  ///   false, such a field makes an apply fail with `OwnershipConflict`.
  public init(client: KubernetesClient, fieldManager: String, force: Bool = true) {
    self.client = client
    self.fieldManager = fieldManager
    self.force = force
  }

  /// The annotation that holds the hash of what was applied last.
  public var hashAnnotation: String { "\(fieldManager)/applied-hash" }

  /// Makes the server's object have everything that `desired` says.
  /// - Parameter observed: The copy in the informer's store; nil when it has none.
  /// - Throws: `KubernetesError`, `OwnershipConflict`.
  public func applyIfChanged<Object: KubernetesResource>(
    _ desired: Object, observed: Object?
  ) async throws -> ApplyOutcome<Object> {
    let json = try Self.applicable(try JSONValue(encoding: desired), Object.resourceType)
    let observed = try observed.map { try JSONValue(encoding: $0) }
    guard let result = try await apply(json, Object.resourceType, desired.key, observed) else { return .unchanged }
    return .applied(try result.decode(Object.self))
  }

  /// Makes the server's object have everything that `desired` says, by what an informer knows: no request at all when
  /// nothing differs, one when something does. The informer shows the result at once, and what is returned lacks what the
  /// informer leaves out.
  ///
  /// The informer must be synced. An object that its selector does not match is written each time, whether it differs or
  /// not: the informer never knows it.
  /// - Throws: `KubernetesError`, `OwnershipConflict`.
  public func applyIfChanged<Object: KubernetesResource>(
    _ desired: Object, knownTo informer: Informer<Object>
  ) async throws -> ApplyOutcome<Object> {
    let json = try Self.applicable(try JSONValue(encoding: desired), Object.resourceType)
    let observed = try informer.get(desired.key).map { try JSONValue(encoding: $0) }
    let marked = marked(json)
    if let observed, isMet(marked, by: observed) { return .unchanged }
    let result = try await send(
      marked, Object.resourceType, desired.key, omittingManagedFields: informer.omitsManagedFields)
    // The watch is often faster than the write's own answer.
    if let version = result.value(at: ["metadata", "resourceVersion"])?.stringValue,
      let shown = informer.get(desired.key), shown.metadata.resourceVersion == version
    {
      return .applied(shown)
    }
    let object: Object = try result.decode()
    informer.note(written: object)
    return .applied(object)
  }

  /// The same for a type that is known only at run time.
  /// - Throws: `KubernetesError`, `OwnershipConflict`.
  public func applyIfChanged(
    _ desired: DynamicObject, type: ResourceType, observed: DynamicObject?
  ) async throws -> ApplyOutcome<DynamicObject> {
    let json = try Self.applicable(desired.json, type)
    guard let result = try await apply(json, type, desired.key, observed?.json) else { return .unchanged }
    return .applied(DynamicObject(result))
  }

  /// - Returns: What the server has after a write; nil when none was needed.
  private func apply(
    _ desired: JSONValue, _ type: ResourceType, _ key: ObjectKey, _ observed: JSONValue?
  ) async throws -> JSONValue? {
    let slot = Slot(type: type, key: key)
    let marked = marked(desired)
    if let current = await current(observed, slot), isMet(marked, by: current) { return nil }
    let result = try await send(marked, type, key)
    // Who owns which field is the bulk of an object, and is never compared.
    var remembered = result
    remembered.set(nil, at: ["metadata", "managedFields"])
    memory.results.withLock { $0[slot] = remembered }
    return result
  }

  private func send(
    _ desired: JSONValue, _ type: ResourceType, _ key: ObjectKey, omittingManagedFields: Bool = false
  ) async throws -> JSONValue {
    var client = client
    client.omitsManagedFields = omittingManagedFields || client.omitsManagedFields
    do {
      return try await client.apply(type, DynamicObject(desired), fieldManager: fieldManager, force: force).json
    } catch let error as KubernetesError where error.isConflict {
      throw OwnershipConflict(error, type: type, key: key) ?? error
    }
  }

  private var hashPath: [String] { ["metadata", "annotations", hashAnnotation] }

  /// What is sent: the object with its own hash.
  private func marked(_ desired: JSONValue) -> JSONValue {
    var marked = desired
    marked.set(.string(AppliedHash.of(desired)), at: hashPath)
    return marked
  }

  /// - Parameter desired: With its hash, which is compared letter by letter; the rest may differ in form.
  private func isMet(_ desired: JSONValue, by current: JSONValue) -> Bool {
    current.value(at: hashPath) == desired.value(at: hashPath)
      && SubsetComparison.firstDifference(desired: desired, observed: current) == nil
  }

  /// The newest state known: the store's copy, or what the last apply returned if the store is behind it.
  private func current(_ observed: JSONValue?, _ slot: Slot) async -> JSONValue? {
    let remembered = memory.results.withLock { $0[slot] }
    guard let observed else {
      guard remembered != nil else { return nil }
      // Not in the store yet, or deleted since: asking costs a read and saves a write.
      let now = try? await client.get(slot.type, slot.key.name, in: slot.key.namespace)
      if now == nil { memory.results.withLock { $0[slot] = nil } }
      return now?.json
    }
    if let remembered, Self.isOlder(observed, than: remembered) { return remembered }
    if remembered != nil { memory.results.withLock { $0[slot] = nil } }
    return observed
  }

  /// Resource versions of one type are ordered numbers (KEP-5504); where they are not, the store is believed.
  private static func isOlder(_ observed: JSONValue, than remembered: JSONValue) -> Bool {
    guard let version = Self.version(observed), let last = Self.version(remembered) else { return false }
    return version < last
  }

  private static func version(_ object: JSONValue) -> UInt64? {
    object.value(at: ["metadata", "resourceVersion"])?.stringValue.flatMap(UInt64.init)
  }

  /// What may be sent in an apply: no status, nothing that only the server sets, no nulls, Secret text as data.
  static func applicable(_ desired: JSONValue, _ type: ResourceType) throws -> JSONValue {
    var json = desired
    json["apiVersion"] = .string(type.apiVersion)
    json["kind"] = .string(type.kind)
    json["status"] = nil
    for field in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"] {
      json.set(nil, at: ["metadata", field])
    }
    if type.kind == "Secret", let text = json["stringData"]?.objectValue {
      for (key, value) in text { json.set(.string(Base64.encode(value.stringValue ?? "")), at: ["data", key]) }
      json["stringData"] = nil
    }
    return json
  }
}
