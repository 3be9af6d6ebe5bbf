import Synchronization

/// Counts requests, so that tests can say "not one write in five minutes".
public final class RequestCounters: Sendable {
  public struct Key: Sendable, Hashable {
    public var user: String
    /// get, list, watch, create, update, patch, delete, deletecollection, or the method of a non-resource path.
    public var verb: String
    public var group: String
    public var resource: String
    public var subresource: String
    public var isDryRun: Bool
    public var code: Int

    /// Whether such a request asked for a change.
    public var isWrite: Bool {
      !isDryRun && ["create", "update", "patch", "delete", "deletecollection"].contains(verb)
        && !resource.hasSuffix("reviews")
    }
  }

  private let counts = Mutex<[Key: Int]>([:])

  func count(_ key: Key) {
    counts.withLock { $0[key, default: 0] += 1 }
  }

  /// All counts so far.
  public var snapshot: [Key: Int] { counts.withLock { $0 } }

  /// Write requests so far, refused ones too; of one user, or of all.
  public func writes(by user: String? = nil, resource: String? = nil) -> Int {
    snapshot.reduce(0) { sum, entry in
      let wanted =
        entry.key.isWrite && (user == nil || entry.key.user == user)
        && (resource == nil || entry.key.resource == resource)
      return wanted ? sum + entry.value : sum
    }
  }

  /// Requests so far that satisfy a condition.
  public func total(where wanted: (Key) -> Bool) -> Int {
    snapshot.reduce(0) { wanted($1.key) ? $0 + $1.value : $0 }
  }

  /// `apiserver_request_total` in the Prometheus text format.
  func exposition() -> String {
    var text = "# HELP apiserver_request_total Requests by verb, group, resource, code and user.\n"
    text += "# TYPE apiserver_request_total counter\n"
    let lines = snapshot.map { key, count in
      "apiserver_request_total{code=\"\(key.code)\",dry_run=\"\(key.isDryRun ? "All" : "")\",group=\"\(key.group)\","
        + "resource=\"\(key.resource)\",subresource=\"\(key.subresource)\",user=\"\(key.user)\",verb=\"\(key.verb.uppercased())\"} \(count)\n"
    }
    return text + lines.sorted().joined()
  }
}
