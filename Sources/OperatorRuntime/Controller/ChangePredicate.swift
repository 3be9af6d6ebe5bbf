public import KubernetesModels

/// Which changes are worth a reconcile, as a value that can be combined.
///
/// ```swift
/// controller.watch(platforms, matching: .generationChanged.or(.labelsChanged))
/// controller.watch(pods, matching: !.deleted) { … }
/// ```
public struct ChangePredicate<Object: Sendable>: Sendable {
  private let test: @Sendable (StoreChange<Object>) -> Bool

  public init(_ test: @escaping @Sendable (StoreChange<Object>) -> Bool) {
    self.test = test
  }

  public func matches(_ change: StoreChange<Object>) -> Bool { test(change) }

  public func and(_ other: Self) -> Self { Self { matches($0) && other.matches($0) } }
  public func or(_ other: Self) -> Self { Self { matches($0) || other.matches($0) } }
  public static prefix func ! (predicate: Self) -> Self { Self { !predicate.matches($0) } }

  /// Every change.
  public static var any: Self { Self { _ in true } }
  /// Objects that are new, or new to the informer.
  public static var added: Self { Self { if case .added = $0 { true } else { false } } }
  /// Objects that are gone.
  public static var deleted: Self { Self { if case .deleted = $0 { true } else { false } } }

  /// Additions, deletions, and updates that change what `part` gives.
  public static func changed<Part: Equatable & SendableMetatype>(_ part: @escaping @Sendable (Object) -> Part) -> Self {
    Self { change in
      guard case .updated(let old, let new) = change else { return true }
      return part(old) != part(new)
    }
  }

  /// Objects whose newest state passes.
  public static func object(_ test: @escaping @Sendable (Object) -> Bool) -> Self {
    Self { test($0.object) }
  }
}

extension ChangePredicate where Object: KubernetesResource {
  /// The spec changed, or deletion was asked for: what raises `metadata.generation` (Kubernetes API conventions). Updates
  /// of the status alone don't. Only for types that have a generation.
  public static var generationChanged: Self {
    changed { object in [object.metadata.generation.map { Int64($0) }, object.isBeingDeleted ? 1 : 0] }
  }

  public static var labelsChanged: Self { changed { $0.metadata.labels ?? [:] } }
  public static var annotationsChanged: Self { changed { $0.metadata.annotations ?? [:] } }
  public static var finalizersChanged: Self { changed { $0.metadata.finalizers ?? [] } }
  public static var ownersChanged: Self { changed { ($0.metadata.ownerReferences ?? []).map(\.uid) } }
}

extension ChangePredicate where Object == DynamicObject {
  /// As for typed objects.
  public static var generationChanged: Self {
    changed { object in [object.generation.map { Int64($0) }, object.isBeingDeleted ? 1 : 0] }
  }

  public static var labelsChanged: Self { changed(\.labels) }
  public static var annotationsChanged: Self { changed(\.annotations) }
  public static var finalizersChanged: Self { changed(\.finalizers) }
}
