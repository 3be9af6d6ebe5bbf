/// An nftables table as text, built up from parts and loaded in one transaction.
///
/// A reload empties and refills chains, maps and plain sets, and removes what is no longer named. Dynamic sets, which the kernel fills
/// (clients that keep their endpoint), live on.
struct Ruleset: Equatable, Sendable {
  private(set) var table: String
  private(set) var chains: [String: String] = [:]
  /// What a chain hangs on, for those that netfilter calls itself.
  private(set) var hooks: [String: String] = [:]
  private(set) var sets: [String: String] = [:]
  private(set) var dynamicSets: [String: String] = [:]
  private(set) var maps: [String: String] = [:]

  init(table: String) { self.table = table }

  mutating func chain(_ name: String, rules: [String]) {
    chains[name] = rules.map { "    \($0)\n" }.joined()
  }

  /// A chain on a netfilter hook.
  mutating func base(_ name: String, _ hook: String, _ rules: [String]) {
    chain(name, rules: rules)
    hooks[name] = hook
  }

  mutating func set(_ name: String, type: String, elements: [String]) {
    sets[name] = Self.body("type \(type)", elements)
  }

  mutating func dynamicSet(_ name: String, type: String, timeoutSeconds: Int) {
    dynamicSets[name] = "    type \(type)\n    flags dynamic, timeout\n    timeout \(timeoutSeconds)s\n"
  }

  mutating func map(_ name: String, type: String, elements: [String]) {
    maps[name] = Self.body("type \(type)", elements)
  }

  private static func body(_ head: String, _ elements: [String]) -> String {
    guard !elements.isEmpty else { return "    \(head)\n" }
    return "    \(head)\n    elements = { \(elements.joined(separator: ", ")) }\n"
  }

  /// The input for `nft -f`, which applies all of it or nothing.
  /// - Parameter previous: what was loaded last; nil replaces whatever table is there.
  func transaction(replacing previous: Ruleset?) -> String {
    var text = "table ip \(table)\n"
    if let previous {
      // Rules and elements first: they hold on to the chains that are to go.
      text += "flush table ip \(table)\n"
      for name in previous.maps.keys.sorted() { text += "flush map ip \(table) \(name)\n" }
      for name in previous.sets.keys.sorted() { text += "flush set ip \(table) \(name)\n" }
      for name in Self.gone(previous.chains, chains) { text += "delete chain ip \(table) \(name)\n" }
      for name in Self.gone(previous.maps, maps) { text += "delete map ip \(table) \(name)\n" }
      for name in Self.gone(previous.sets, sets) { text += "delete set ip \(table) \(name)\n" }
      for name in Self.changed(previous.dynamicSets, dynamicSets) { text += "delete set ip \(table) \(name)\n" }
    } else {
      text += "delete table ip \(table)\n"
    }
    text += "table ip \(table) {\n"
    // Chains are named before anything jumps to them, with their hooks: a chain cannot get one later.
    for name in chains.keys.sorted() {
      text += "  chain \(name) {\n" + (hooks[name].map { "    \($0)\n" } ?? "") + "  }\n"
    }
    for (name, body) in sets.sorted(by: { $0.key < $1.key }) { text += "  set \(name) {\n\(body)  }\n" }
    for (name, body) in dynamicSets.sorted(by: { $0.key < $1.key }) { text += "  set \(name) {\n\(body)  }\n" }
    for (name, body) in maps.sorted(by: { $0.key < $1.key }) { text += "  map \(name) {\n\(body)  }\n" }
    for (name, body) in chains.sorted(by: { $0.key < $1.key }) { text += "  chain \(name) {\n\(body)  }\n" }
    return text + "}\n"
  }

  private static func gone(_ before: [String: String], _ now: [String: String]) -> [String] {
    before.keys.filter { now[$0] == nil }.sorted()
  }

  /// A dynamic set keeps its timeout for life: another one needs a new set.
  private static func changed(_ before: [String: String], _ now: [String: String]) -> [String] {
    before.filter { now[$0.key] != $0.value }.map(\.key).sorted()
  }
}
