/// The objects of a list and the version of the collection that they show.
public struct ResourceList<Item: Sendable>: Sendable {
  /// The objects.
  public var items: [Item]
  /// Where a watch has to start to miss nothing after this list.
  public var resourceVersion: String
  /// Objects that are there but do not fit the type, when ``ListOptions/reportsUndecodable`` asked for them.
  public var undecodable: [UndecodableObject]

  /// Makes a list.
  public init(items: [Item], resourceVersion: String, undecodable: [UndecodableObject] = []) {
    self.items = items
    self.resourceVersion = resourceVersion
    self.undecodable = undecodable
  }
}

extension ResourceList: Equatable where Item: Equatable {}
