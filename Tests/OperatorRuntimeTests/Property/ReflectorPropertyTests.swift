import KubernetesModels
import OperatorTestKit
import Testing

@testable import OperatorRuntime

/// The machine and the store against a model of a server that forgets its history, loses requests, cuts streams and tells
/// changes twice: when the faults end, the store equals the server, and observers were told a story without holes.
///
/// All in one task, so that a seed always gives the same run. `PROPERTY_SEED=7` runs one seed alone.
@Suite struct ReflectorPropertyTests {
  @Test func storeEndsEqualToTheServerWhateverGoesWrong() async {
    let seeds = PropertySeeds.range(upTo: 1_000)
    let (relists, problems) = await onThreadOfItsOwn {
      var relists = 0
      var problems: [String] = []
      for seed in seeds {
        var world = ReflectorWorld(seed: seed)
        world.run(steps: 100)
        problems += world.problems.map { "PROPERTY_SEED=\(seed): \($0)" }
        relists += world.relists
      }
      return (relists, problems)
    }
    #expect(problems == [])
    #expect(relists > seeds.count)
  }
}

struct ReflectorWorld {
  typealias Machine = ReflectorMachine<ConfigMap>

  private struct Change {
    var version: UInt64
    var isDeletion: Bool
    var object: ConfigMap
  }

  /// A list whose pages show the server as it was at the first.
  private struct Snapshot {
    var version: UInt64
    var rest: [ConfigMap]
  }

  private var random: SeededGenerator
  private var objects: [String: ConfigMap] = [:]
  private var version: UInt64 = 1
  private var history: [Change] = []
  /// Watches and tokens from before this get a 410.
  private var oldest: UInt64 = 0
  private var snapshots: [String: Snapshot] = [:]

  private var machine: Machine
  private var store = ObjectStore<ConfigMap>(.typed)
  private var pending: [Machine.Action] = []
  /// The version after which the open watch goes on; nil when none is open.
  private var stream: UInt64?
  private var hasFaults = true
  /// What an observer who only hears changes believes.
  private var mirror: [ObjectKey: String] = [:]
  private(set) var problems: [String] = []
  private(set) var relists = 0

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    machine = Machine(backoff: Backoff(), streamsLists: random.chance(0.5), key: { $0.key })
    pending = machine.step(.start)
  }

  mutating func run(steps: Int) {
    for _ in 0..<steps {
      if random.chance(0.6) { changeServer() }
      if random.chance(0.1) { oldest = UInt64.random(in: oldest...version, using: &random) }
      if random.chance(0.1) { noteAWrite() }
      advance()
      checkNothingWentBack()
    }
    hasFaults = false
    // Quiet from here on; a bookmark is the server's way to say so.
    for _ in 0..<200 where !pending.isEmpty || stream != version { advance() }
    advance()
    let shown = store.objects.values.sorted { $0.key < $1.key }
    if shown != objects.values.sorted(by: { $0.key < $1.key }) { problems.append("store differs from the server") }
    if mirror != Dictionary(uniqueKeysWithValues: shown.map { ($0.key, $0.metadata.resourceVersion ?? "") }) {
      problems.append("observers believe something else")
    }
    if ResourceVersion(store.seenVersion)?.number ?? 0 < history.last?.version ?? 0 { problems.append("not caught up") }
  }

  // MARK: The server

  @discardableResult
  private mutating func changeServer() -> ConfigMap {
    version += 1
    let name = "o\(Int.random(in: 0..<8, using: &random))"
    let isDeletion = objects[name] != nil && random.chance(0.3)
    var object =
      objects[name] ?? ConfigMap(metadata: ObjectMeta(name: name, namespace: "ns", uid: "\(name)-\(version)"))
    object.metadata.resourceVersion = "\(version)"
    objects[name] = isDeletion ? nil : object
    history.append(Change(version: version, isDeletion: isDeletion, object: object))
    return object
  }

  /// A write whose answer the store is shown at once, as after an apply.
  private mutating func noteAWrite() {
    guard store.seenVersion != nil else { return }
    let written = changeServer()
    guard objects[written.metadata.name ?? ""] != nil else { return }
    tell(store.note(written: written))
  }

  private mutating func list(_ page: Machine.Page) -> Machine.Event {
    relists += page.continueToken == nil ? 1 : 0
    var snapshot = Snapshot(version: version, rest: objects.values.sorted { $0.key < $1.key })
    if let token = page.continueToken {
      guard let known = snapshots[token], known.version >= oldest else { return .failed(.gone) }
      snapshot = known
    }
    let size = page.isLimited ? 3 : Int.max
    let items = Array(snapshot.rest.prefix(size))
    snapshot.rest.removeFirst(items.count)
    let token = snapshot.rest.isEmpty ? nil : "token-\(snapshots.count)"
    if let token { snapshots[token] = snapshot }
    return .listed(items, resourceVersion: "\(snapshot.version)", continueToken: token)
  }

  // MARK: The reflector's shell, one step at a time

  private mutating func advance() {
    guard !pending.isEmpty else { return readStream() }
    let action = pending.removeFirst()
    switch action {
    case .wait: pending += machine.step(.waited)
    case .list(let page):
      pending += machine.step(fault() ?? list(page))
    case .watch(let version):
      if let fault = fault() { return pending += machine.step(fault) }
      guard let from = UInt64(version), from >= oldest else { return pending += machine.step(.failed(.gone)) }
      stream = from
    case .stream:
      if let fault = fault() { return pending += machine.step(fault) }
      for object in objects.values.sorted(by: { $0.key < $1.key }) {
        if hasFaults, random.chance(0.05) { return pending += machine.step(.watchEnded(openFor: .zero)) }
        apply(machine.step(.added(object, resourceVersion: object.metadata.resourceVersion)))
      }
      apply(machine.step(.bookmark(resourceVersion: "\(version)", endsInitial: true)))
      stream = version
    case .replace, .upsert, .confirm, .remove, .drop, .caughtUp: apply([action])
    }
  }

  private mutating func readStream() {
    guard let from = stream else { return }
    if hasFaults, random.chance(0.1) { return end(.watchEnded(openFor: .zero)) }
    if hasFaults, random.chance(0.05) { return end(.failed(.trouble)) }
    if from < oldest { return end(.failed(.gone)) }
    // The first change has version 2.
    guard from - 1 < history.count else {
      if version > 1 { apply(machine.step(.bookmark(resourceVersion: "\(version)"))) }
      return
    }
    let next = history[Int(from) - 1]
    for _ in 0..<(hasFaults && random.chance(0.2) ? 2 : 1) {
      let version = "\(next.version)"
      let isShown = store.shows(next.object.key, version)
      // A write's answer may come between the look at the store and what follows from it.
      if random.chance(0.1) { noteAWrite() }
      apply(
        machine.step(
          next.isDeletion
            ? .deleted(next.object, resourceVersion: version)
            : isShown
              ? .confirmed(next.object.key, resourceVersion: version)
              : .modified(next.object, resourceVersion: version)))
    }
    stream = next.version
  }

  private mutating func end(_ event: Machine.Event) {
    stream = nil
    pending += machine.step(event)
  }

  private mutating func fault() -> Machine.Event? {
    guard hasFaults, random.chance(0.25) else { return nil }
    return [.failed(.trouble), .failed(.gone), .failed(.refused), .failed(.trouble, retryAfter: .seconds(1))]
      .randomElement(using: &random)
  }

  private mutating func apply(_ actions: [Machine.Action]) {
    for action in actions {
      switch action {
      case .replace(let items, let kept, let version):
        tell(store.replace(with: items, keeping: kept, seen: version))
      case .upsert(let object, let version): tell(store.upsert(object, seen: version))
      case .confirm(let key, let version): tell(store.confirm(key, seen: version))
      case .remove(let object, let version): tell(store.remove(object, seen: version))
      case .drop(let key, let version): tell(store.remove(key, seen: version))
      case .caughtUp(let version): tell(store.advance(to: version))
      case .list, .stream, .watch, .wait: pending.append(action)
      }
    }
  }

  private mutating func tell(_ changes: [StoreChange<ConfigMap>]) {
    for change in changes {
      let object = change.object
      switch change {
      case .added:
        if mirror[object.key] != nil { problems.append("\(object.key) added twice") }
        mirror[object.key] = object.metadata.resourceVersion
      case .updated(let old, _):
        if mirror[object.key] != old.metadata.resourceVersion {
          problems.append("\(object.key) updated from elsewhere")
        }
        mirror[object.key] = object.metadata.resourceVersion
      case .deleted:
        if mirror.removeValue(forKey: object.key) == nil { problems.append("\(object.key) deleted, never added") }
      }
    }
  }

  private var shownBefore: [ObjectKey: UInt64] = [:]

  /// An object that is shown never becomes older.
  private mutating func checkNothingWentBack() {
    var shown: [ObjectKey: UInt64] = [:]
    for (key, object) in store.objects {
      let version = ResourceVersion(object.metadata.resourceVersion)?.number ?? 0
      if version < shownBefore[key] ?? 0 { problems.append("\(key) went back") }
      shown[key] = version
    }
    shownBefore = shown
  }
}
