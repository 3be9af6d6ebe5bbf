import Foundation

/// Which seeds the property tests run: all, or the one in `PROPERTY_SEED`; `PROPERTY_SEEDS` changes how many.
enum PropertySeeds {
  static func range(upTo count: Int) -> ClosedRange<UInt64> {
    if let seed = number("PROPERTY_SEED") { return seed...seed }
    return 1...(number("PROPERTY_SEEDS") ?? UInt64(count))
  }

  private static func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }
}

/// Runs long work that never waits beside the threads that all other tests share.
func onThreadOfItsOwn<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread { continuation.resume(returning: body()) }
  }
}
