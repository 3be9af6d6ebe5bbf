import KubernetesModels

/// Which events become objects, which only raise a count, and which are dropped. A value; time is given.
///
/// The rules of the events.k8s.io API: repetitions of one event within six minutes are one series. Events that differ
/// only in their text become one series too once there were ten of them in ten minutes, and a token bucket for each
/// object (burst 25, one more every five minutes) keeps a loop from flooding the server: the numbers of Kubernetes' own
/// event correlator.
struct EventSeriesState: Sendable {
  struct Identity: Hashable, Sendable {
    var objectUID: String
    var objectKind: String
    var object: ObjectKey
    var type: String
    var reason: String
    var message: String
    var action: String
  }

  enum Decision: Equatable, Sendable {
    case create(name: String, note: String)
    case updateSeries(name: String, count: Int)
    case drop
  }

  private struct Series {
    var name: String
    var count = 1
    var lastSeen: Duration
    var lastWrite: Duration
  }

  /// Texts of events that are alike in everything else.
  private struct Family {
    var messages: Set<String> = []
    var lastSeen: Duration
  }

  private struct Bucket {
    var tokens = EventSeriesState.burst
    var filled: Duration
  }

  static let burst = 25.0
  static let refill = Duration.seconds(300)
  static let window = Duration.seconds(360)
  static let similarLimit = 10
  static let similarWindow = Duration.seconds(600)
  static let combinedPrefix = "(combined from similar events): "
  /// A running series is written again at most this often.
  static let writeInterval = Duration.seconds(30)

  private var series: [Identity: Series] = [:]
  private var families: [Identity: Family] = [:]
  private var buckets: [String: Bucket] = [:]

  mutating func decide(_ original: Identity, at now: Duration, newName: () -> String) -> Decision {
    prune(at: now)
    let event = seriesIdentity(of: original, at: now)
    if var known = series[event] {
      known.count += 1
      known.lastSeen = now
      let isDue = known.count == 2 || now - known.lastWrite >= Self.writeInterval
      if isDue { known.lastWrite = now }
      series[event] = known
      return isDue ? .updateSeries(name: known.name, count: known.count) : .drop
    }
    guard takeToken(event.objectUID + event.object.description, at: now) else { return .drop }
    let name = newName()
    series[event] = Series(name: name, lastSeen: now, lastWrite: now)
    return .create(name: name, note: event == original ? original.message : Self.combinedPrefix + original.message)
  }

  /// The event object is gone, so the next occurrence starts anew.
  mutating func forget(_ event: Identity) {
    series[event] = nil
    if isCombined(event) { series[Self.family(event)] = nil }
  }

  /// The event itself, or what stands for all that differ from it only in their text, once they are too many.
  private mutating func seriesIdentity(of event: Identity, at now: Duration) -> Identity {
    let key = Self.family(event)
    var family = families[key] ?? Family(lastSeen: now)
    family.lastSeen = now
    // One more than the limit need not be remembered: it says enough.
    if family.messages.count <= Self.similarLimit { family.messages.insert(event.message) }
    families[key] = family
    // A text that has a series already goes on in it.
    return isCombined(event) && series[event] == nil ? key : event
  }

  private func isCombined(_ event: Identity) -> Bool {
    families[Self.family(event)].map { $0.messages.count > Self.similarLimit } ?? false
  }

  /// What all share that differ only in their text.
  private static func family(_ event: Identity) -> Identity {
    var family = event
    family.message = ""
    return family
  }

  private mutating func takeToken(_ object: String, at now: Duration) -> Bool {
    var bucket = buckets[object] ?? Bucket(filled: now)
    let earned = (now - bucket.filled) / Self.refill
    bucket.tokens = min(Self.burst, bucket.tokens + earned)
    bucket.filled = now
    defer { buckets[object] = bucket }
    guard bucket.tokens >= 1 else { return false }
    bucket.tokens -= 1
    return true
  }

  private mutating func prune(at now: Duration) {
    series = series.filter { now - $0.value.lastSeen < Self.window }
    families = families.filter { now - $0.value.lastSeen < Self.similarWindow }
    guard buckets.count > 1000 else { return }
    buckets = buckets.filter { now - $0.value.filled < Self.refill * Int(Self.burst) }
  }
}
