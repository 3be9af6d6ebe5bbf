/// The objects of a list and the version of the collection that they show.
public struct ResourceList<Item: Sendable>: Sendable {
  /// The objects.
  public var items: [Item]
  /// Where a watch has to start to miss nothing after this list.
  public var resourceVersion: String

  /// Makes a list.
  public init(items: [Item], resourceVersion: String) {
    self.items = items
    self.resourceVersion = resourceVersion
  }
}

extension ResourceList: Equatable where Item: Equatable {}
