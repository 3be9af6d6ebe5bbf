import KubernetesModels

/// Events are kept for an hour (kube-apiserver `--event-ttl`).
enum EventExpiry {
  static let lifetime: Duration = .seconds(3600)

  /// Removes the events that are older.
  static func run(_ store: Store, now: Timestamp = .now) {
    let key = StorageKey(group: "", plural: "events")
    let limit = Timestamp(secondsSinceEpoch: now.secondsSinceEpoch - lifetime.components.seconds)
    for event in store.list(key).objects {
      let last =
        event.json.textAt("series", "lastObservedTime") ?? event.json.textAt("lastTimestamp")
        ?? event.json.textAt("metadata", "creationTimestamp")
      guard let time = last.flatMap({ Timestamp($0) }), time < limit else { continue }
      // Somebody who counts the event up at this moment keeps it alive.
      _ = try? store.remove(key, event.name, expected: event.revision)
    }
  }
}
