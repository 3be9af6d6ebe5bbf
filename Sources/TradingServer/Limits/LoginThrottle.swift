/// Slows the guessing of passwords down: after a few attempts without success each further one must wait twice as long.
///
/// One counts logins and one addresses, so that neither one login tried from everywhere nor one address that tries all
/// logins gets far. An attempt counts as failed from its start, so that many at once gain nothing.
struct LoginThrottle {
  private struct Record {
    var failures = 0
    var last: ContinuousClock.Instant
    var next: ContinuousClock.Instant
  }
  private var records: [String: Record] = [:]
  private let freeAttempts: Int
  private let longestDelay: Duration
  private let capacity: Int
  /// Failures are forgotten after so long without another.
  private static let memory: Duration = .seconds(900)

  init(freeAttempts: Int = 5, longestDelay: Duration = .seconds(300), capacity: Int = 20_000) {
    self.freeAttempts = freeAttempts
    self.longestDelay = longestDelay
    self.capacity = capacity
  }

  /// Nil when the attempt may go on; otherwise how long the client must wait, and nothing is counted.
  mutating func attempt(_ key: String, at now: ContinuousClock.Instant) -> Duration? {
    var record = records[key] ?? Record(last: now, next: now)
    if record.next > now { return now.duration(to: record.next) }
    if record.last + Self.memory < now { record.failures = 0 }
    record.failures += 1
    record.last = now
    let excess = record.failures - freeAttempts
    if excess >= 0 { record.next = now + min(longestDelay, .seconds(1 << min(excess, 20))) }
    makeRoom(for: key, at: now)
    records[key] = record
    return nil
  }

  /// The password was right: nothing is held against this key any more.
  mutating func forget(_ key: String) { records[key] = nil }

  /// The password was right, which says nothing about the other attempts from this key.
  mutating func withdrawAttempt(_ key: String) {
    guard var record = records[key] else { return }
    record.failures -= 1
    record.next = record.last
    records[key] = record.failures > 0 ? record : nil
  }

  /// Keys that are remembered.
  var count: Int { records.count }

  private mutating func makeRoom(for key: String, at now: ContinuousClock.Instant) {
    guard records.count >= capacity, records[key] == nil else { return }
    records = records.filter { $0.value.last + Self.memory > now }
    // Full of live ones: half of them go rather than memory growing. Any half, so that nobody can aim.
    if records.count >= capacity { records = records.filter { _ in Bool.random() } }
  }
}
