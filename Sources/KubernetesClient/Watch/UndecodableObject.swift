import KubernetesModels

/// An object of the server that does not fit the Swift type it was asked for as, e.g. one that was stored before its
/// schema became stricter.
///
/// It is reported instead of ending the list or watch: one broken object must not hide all others, and listing again
/// would only meet it again.
public struct UndecodableObject: Error, Sendable, Hashable {
  /// What happened to it.
  public enum Change: String, Sendable, Hashable {
    /// It was there when it was listed.
    case listed
    /// It is new.
    case added
    /// It changed.
    case modified
    /// It is gone.
    case deleted
  }

  /// What happened to it.
  public var change: Change
  /// The kind that it was asked for as.
  public var kind: String
  /// Its namespace; `nil` when it lives in none, or has lost even that.
  public var namespace: String?
  /// Its name.
  public var name: String
  /// Its uid.
  public var uid: String?
  /// Its version: where a watch goes on after it.
  public var resourceVersion: String?
  /// What does not fit, with the path of the field.
  public var problem: String

  /// Makes a report.
  public init(
    change: Change, kind: String, namespace: String?, name: String, uid: String? = nil, resourceVersion: String? = nil,
    problem: String
  ) {
    self.change = change
    self.kind = kind
    self.namespace = namespace
    self.name = name
    self.uid = uid
    self.resourceVersion = resourceVersion
    self.problem = problem
  }

  init(_ json: JSONValue, _ type: ResourceType, _ change: Change, problem: String) {
    let object = DynamicObject(json)
    self.init(
      change: change, kind: type.kind, namespace: object.namespace, name: object.name ?? "", uid: object.uid,
      resourceVersion: object.resourceVersion, problem: problem)
  }
}

extension UndecodableObject: CustomStringConvertible {
  public var description: String {
    let place = [namespace, name].compactMap { $0 }.joined(separator: "/")
    return "\(kind) \(place) does not fit its type: \(problem); correct the object, or the type"
  }
}
