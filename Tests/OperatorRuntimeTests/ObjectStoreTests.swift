import KubernetesModels
import Testing

@testable import OperatorRuntime

@Suite struct ObjectStoreTests {
  static func object(_ name: String, version: String, uid: String? = nil, owner: String? = nil) -> ConfigMap {
    ConfigMap(
      metadata: ObjectMeta(
        name: name, namespace: "ns",
        ownerReferences: owner.map { [OwnerReference(apiVersion: "v1", kind: "Secret", name: "o", uid: $0)] },
        resourceVersion: version, uid: uid ?? name))
  }

  @Test func relistReportsWhatWasDeletedMeanwhile() {
    var store = ObjectStore<ConfigMap>()
    _ = store.replace(with: [Self.object("a", version: "1"), Self.object("b", version: "2")])
    let changes = store.replace(with: [Self.object("b", version: "3"), Self.object("c", version: "4")])
    #expect(describe(changes) == ["deleted a", "updated b 2→3", "added c"])
    // The same list again changes nothing.
    #expect(store.replace(with: [Self.object("b", version: "3"), Self.object("c", version: "4")]).isEmpty)
  }

  @Test func sameNameWithAnotherUidIsADeletionAndAnAddition() {
    var store = ObjectStore<ConfigMap>()
    _ = store.upsert(Self.object("a", version: "1", uid: "first"))
    #expect(describe(store.upsert(Self.object("a", version: "5", uid: "second"))) == ["deleted a", "added a"])
  }

  @Test func ownerIndexFollowsChangesOfOwners() {
    var store = ObjectStore<ConfigMap>()
    _ = store.upsert(Self.object("a", version: "1", owner: "x"))
    _ = store.upsert(Self.object("b", version: "2", owner: "x"))
    #expect(store.owned(by: "x").map(\.metadata.name) == ["a", "b"])
    _ = store.upsert(Self.object("a", version: "3", owner: "y"))
    _ = store.remove(Self.object("b", version: "4", owner: "x"))
    #expect(store.owned(by: "x").isEmpty)
    #expect(store.owned(by: "y").map(\.metadata.name) == ["a"])
  }

  private func describe(_ changes: [StoreChange<ConfigMap>]) -> [String] {
    changes.map { change in
      switch change {
      case .added(let new): "added \(new.metadata.name ?? "")"
      case .deleted(let old): "deleted \(old.metadata.name ?? "")"
      case .updated(let old, let new):
        "updated \(new.metadata.name ?? "") \(old.metadata.resourceVersion ?? "")→\(new.metadata.resourceVersion ?? "")"
      }
    }
  }
}
