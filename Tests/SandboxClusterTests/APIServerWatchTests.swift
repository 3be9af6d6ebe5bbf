import KubernetesClient
import KubernetesModels
import Testing

@testable import SandboxCluster

private let maps = "/api/v1/namespaces/default/configmaps"

@Suite struct APIServerWatchTests {
  @Test func aWatchShowsWhatIsThereAndThenWhatHappens() async throws {
    let api = Wire(try APIServer())
    _ = try await api.create(maps, configMap("a", labels: ["w": "1"]))
    let lines = await api.watch("\(maps)?labelSelector=w")
    #expect(try await lines.nextText() == "ADDED a")
    _ = try await api.create(maps, configMap("b", labels: ["w": "1"]))
    #expect(try await lines.nextText() == "ADDED b")
    _ = try await api.patch("\(maps)/b", ["data": ["k": "v"]])
    #expect(try await lines.nextText() == "MODIFIED b")
    _ = try await api.send(.delete, "\(maps)/a")
    #expect(try await lines.nextText() == "DELETED a")
  }

  @Test func anObjectThatStopsMatchingIsDeletedForTheWatcher() async throws {
    let api = Wire(try APIServer())
    let start = try await api.create(maps, configMap("m", labels: ["colour": "blue"]))
    let version = try #require(start.json.textAt("metadata", "resourceVersion"))
    let lines = await api.watch("\(maps)?labelSelector=colour%3Dblue&resourceVersion=\(version)")
    let changed = try await api.patch("\(maps)/m", ["metadata": ["labels": ["colour": "green"]]])
    let event = try #require(try await lines.next())
    #expect(event["type"] == "DELETED")
    #expect(event.textAt("object", "metadata", "labels", "colour") == "blue")
    #expect(event.at("object", "metadata", "resourceVersion") == changed.json.at("metadata", "resourceVersion"))
    _ = try await api.patch("\(maps)/m", ["metadata": ["labels": ["colour": "blue"]]])
    #expect(try await lines.nextText() == "ADDED m")
  }

  @Test func aWatchFromForgottenHistoryGets410() async throws {
    var configuration = APIServer.Configuration()
    configuration.eventHistory = 3
    let api = Wire(try APIServer(configuration: configuration))
    let first = try await api.create(maps, configMap("old"))
    for index in 0..<5 { _ = try await api.patch("\(maps)/old", ["data": ["n": .string(String(index))]]) }
    let version = try #require(first.json.textAt("metadata", "resourceVersion"))
    let lines = await api.watch("\(maps)?resourceVersion=\(version)")
    let event = try #require(try await lines.next())
    #expect(event["type"] == "ERROR")
    #expect(event.intAt("object", "code") == 410)
    #expect(event.textAt("object", "reason") == "Expired")
    #expect(try await lines.next() == nil)
  }

  @Test func streamedListsEndWithTheirBookmark() async throws {
    let api = Wire(try APIServer())
    _ = try await api.create(maps, configMap("z"))
    let lines = await api.watch(
      "\(maps)?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dz"
    )
    #expect(try await lines.nextText() == "ADDED z")
    let bookmark = try #require(try await lines.next())
    #expect(bookmark["type"] == "BOOKMARK")
    #expect(bookmark.textAt("object", "metadata", "annotations", "k8s.io/initial-events-end") == "true")
  }

  @Test func quietWatchesGetBookmarksAndEndOnTime() async throws {
    var configuration = APIServer.Configuration()
    configuration.bookmarkInterval = .milliseconds(1)
    let api = Wire(try APIServer(configuration: configuration))
    let version = try #require(try await api.get(maps).json.textAt("metadata", "resourceVersion"))
    _ = try await api.create(
      "/api/v1/namespaces/default/serviceaccounts",
      ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "moves-on"]])
    let lines = await api.watch("\(maps)?resourceVersion=\(version)&allowWatchBookmarks=true&timeoutSeconds=8")
    let bookmark = try #require(try await lines.next())
    #expect(bookmark["type"] == "BOOKMARK")
    #expect((bookmark.textAt("object", "metadata", "resourceVersion").flatMap { Int($0) } ?? 0) > (Int(version) ?? 0))
    while try await lines.next() != nil {}
  }

  @Test func aWatchEndsWithItsServer() async throws {
    var server: APIServer? = try APIServer()
    let lines: WatchLines? = await server.map { Wire($0) }?.watch(
      "\(maps)?resourceVersion=1&fieldSelector=metadata.name%3Dnone")
    server = nil
    #expect(try await lines?.next() == nil)
  }

  @Test func tablesAreWatchedToo() async throws {
    let api = Wire(try APIServer())
    _ = try await api.create(maps, configMap("t", ["a": "1", "b": "2"]))
    let table = try await api.get(
      maps, headers: [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")])
    #expect(table.json["kind"] == "Table")
    #expect(table.json.itemsAt("columnDefinitions").compactMap { $0["name"]?.stringValue } == ["Name", "Data", "Age"])
    let row = try #require(table.json.itemsAt("rows").first { $0.textAt("object", "metadata", "name") == "t" })
    #expect(row.itemsAt("cells").prefix(2) == ["t", "2"])
  }
}
