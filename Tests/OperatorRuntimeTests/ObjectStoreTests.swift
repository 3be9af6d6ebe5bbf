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
    var store = ObjectStore<ConfigMap>(.typed)
    _ = store.replace(with: [Self.object("a", version: "1"), Self.object("b", version: "2")], seen: "2")
    let changes = store.replace(
      with: [Self.object("b", version: "3"), Self.object("c", version: "4")], seen: "4")
    #expect(describe(changes) == ["deleted a", "updated b 2→3", "added c"])
    // The same list again changes nothing.
    #expect(
      store.replace(
        with: [Self.object("b", version: "3"), Self.object("c", version: "4")], seen: "4"
      ).isEmpty)
  }

  @Test func sameNameWithAnotherUidIsADeletionAndAnAddition() {
    var store = ObjectStore<ConfigMap>(.typed)
    _ = store.upsert(Self.object("a", version: "1", uid: "first"), seen: "1")
    #expect(
      describe(store.upsert(Self.object("a", version: "5", uid: "second"), seen: "5")) == ["deleted a", "added a"])
  }

  @Test func ownerIndexFollowsChangesOfOwners() {
    var store = ObjectStore<ConfigMap>(.typed)
    _ = store.upsert(Self.object("a", version: "1", owner: "x"), seen: "1")
    _ = store.upsert(Self.object("b", version: "2", owner: "x"), seen: "2")
    #expect(store.owned(by: "x").map(\.metadata.name) == ["a", "b"])
    _ = store.upsert(Self.object("a", version: "3", owner: "y"), seen: "3")
    _ = store.remove(Self.object("b", version: "4", owner: "x"), seen: "4")
    #expect(store.owned(by: "x").isEmpty)
    #expect(store.owned(by: "y").map(\.metadata.name) == ["a"])
  }

  @Test func anyIndexFollowsChanges() {
    var store = ObjectStore<ConfigMap>(.typed)
    _ = store.upsert(Self.object("a", version: "1"), seen: "1")
    let index = store.addIndex {
      ["name-" + ($0.metadata.name ?? ""), "version-" + ($0.metadata.resourceVersion ?? "")]
    }
    _ = store.upsert(Self.object("b", version: "2"), seen: "2")
    #expect(store.found(index, "name-a").map(\.metadata.name) == ["a"])
    _ = store.upsert(Self.object("a", version: "3"), seen: "3")
    #expect(store.found(index, "version-1").isEmpty)
    #expect(store.found(index, "version-3").count == 1)
    _ = store.replace(with: [], seen: "4")
    #expect(store.found(index, "name-b").isEmpty)
  }

  // MARK: Reading one's own writes

  /// Shows a@4 and everything up to 5.
  static func listed() -> ObjectStore<ConfigMap> {
    var store = ObjectStore<ConfigMap>(.typed)
    _ = store.replace(with: [object("a", version: "4")], seen: "5")
    return store
  }

  @Test func writeShowsAtOnceAndItsEventChangesNothingMore() {
    var store = Self.listed()
    #expect(describe(store.note(written: Self.object("a", version: "8"))) == ["updated a 4→8"])
    // What was under way before the write came.
    #expect(store.upsert(Self.object("a", version: "7"), seen: "7").isEmpty)
    #expect(store.upsert(Self.object("a", version: "8"), seen: "8").isEmpty)
    #expect(describe(store.upsert(Self.object("a", version: "9"), seen: "9")) == ["updated a 8→9"])
  }

  @Test func writeDoesNotBringBackWhatWasDeletedSince() {
    var store = Self.listed()
    // The watch was faster than the write's own answer.
    _ = store.upsert(Self.object("a", version: "6"), seen: "6")
    _ = store.remove(Self.object("a", version: "7"), seen: "7")
    #expect(store.note(written: Self.object("a", version: "6")).isEmpty)
    #expect(store.objects.isEmpty)
  }

  @Test func deletionFromBeforeAWriteDoesNotTakeItAway() {
    var store = Self.listed()
    _ = store.note(written: Self.object("a", version: "8", uid: "second"))
    #expect(store.remove(Self.object("a", version: "6"), seen: "6").isEmpty)
    #expect(store.upsert(Self.object("a", version: "8", uid: "second"), seen: "8").isEmpty)
    #expect(describe(store.remove(Self.object("a", version: "9", uid: "second"), seen: "9")) == ["deleted a"])
  }

  @Test func writeThatTheSelectorDoesNotMatchGoesWhenTheWatchHasPassedIt() {
    var store = Self.listed()
    _ = store.note(written: Self.object("other", version: "8"))
    #expect(store.advance(to: "7").isEmpty)
    #expect(describe(store.advance(to: "8")) == ["deleted other"])
  }

  @Test func confirmedWriteStaysWhenTheWatchPassesIt() {
    var store = Self.listed()
    _ = store.note(written: Self.object("new", version: "8"))
    #expect(store.shows(ObjectKey(namespace: "ns", name: "new"), "8"))
    #expect(store.confirm(ObjectKey(namespace: "ns", name: "new"), seen: "8").isEmpty)
    #expect(store.advance(to: "9").isEmpty)
    #expect(store.objects.count == 2)
    #expect(store.seenVersion == "9")
  }

  @Test func confirmationOfAnOlderWriteLeavesTheNewerOneUnconfirmed() {
    var store = Self.listed()
    _ = store.note(written: Self.object("other", version: "8"))
    _ = store.note(written: Self.object("other", version: "9"))
    #expect(store.confirm(ObjectKey(namespace: "ns", name: "other"), seen: "8").isEmpty)
    // The newer one does not match the selector any more, so the watch is silent about it.
    #expect(describe(store.advance(to: "9")) == ["deleted other"])
  }

  @Test func listThatIsOlderThanAWriteLeavesItButOnceOnly() {
    var store = Self.listed()
    _ = store.note(written: Self.object("a", version: "8"))
    _ = store.note(written: Self.object("new", version: "9"))
    #expect(store.replace(with: [Self.object("a", version: "4")], seen: "7").isEmpty)
    #expect(Set(store.objects.keys.map(\.name)) == ["a", "new"])
    // A server that was restored from a backup starts lower: then the list is right.
    #expect(
      describe(store.replace(with: [Self.object("a", version: "3")], seen: "3")) == ["deleted new", "updated a 8→3"])
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
