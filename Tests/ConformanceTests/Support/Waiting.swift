import Foundation
import KubernetesClient
import Testing

/// Lets time pass between two looks at a condition.
func pause(_ duration: Duration) async {
  let nanoseconds = duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
  await withCheckedContinuation { continuation in
    DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(nanoseconds))) { continuation.resume() }
  }
}

/// Waits for a condition: returns its value as soon as it has one, fails the test at the deadline.
@discardableResult
func eventually<Value: Sendable>(
  _ what: String, within limit: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: @Sendable () async throws -> Value?
) async throws -> Value {
  let deadline = ContinuousClock.now + limit
  var lastError: (any Error)?
  repeat {
    do { if let value = try await condition() { return value } } catch { lastError = error }
    await pause(.milliseconds(30))
  } while ContinuousClock.now < deadline
  let cause = lastError.map { " (last error: \($0))" } ?? ""
  Issue.record("not within \(limit): \(what)\(cause)", sourceLocation: sourceLocation)
  throw DeadlinePassed(what: what)
}

struct DeadlinePassed: Error { var what: String }

/// The events of a watch until there are enough of them or it ends; fails the test at the deadline.
func events<Object: Sendable>(
  _ stream: WatchStream<Object>, within limit: Duration = .seconds(15),
  sourceLocation: SourceLocation = #_sourceLocation,
  until isEnough: @escaping @Sendable ([WatchEvent<Object>]) -> Bool
) async throws -> [WatchEvent<Object>] {
  try await withThrowingTaskGroup(of: [WatchEvent<Object>]?.self) { group in
    defer { group.cancelAll() }
    group.addTask {
      var seen: [WatchEvent<Object>] = []
      for try await event in stream {
        seen.append(event)
        if isEnough(seen) { break }
      }
      return seen
    }
    group.addTask {
      try await Task.sleep(for: limit)
      return nil
    }
    guard let first = try await group.next(), let seen = first else {
      Issue.record("the watch did not give what was waited for within \(limit)", sourceLocation: sourceLocation)
      throw DeadlinePassed(what: "events")
    }
    return seen
  }
}

/// Runs work and hands back the KubernetesError that it must fail with.
func refusal<Value>(
  sourceLocation: SourceLocation = #_sourceLocation, _ work: () async throws -> Value
) async throws -> KubernetesError {
  do {
    let value = try await work()
    Issue.record("was not refused, but gave \(value)", sourceLocation: sourceLocation)
    throw DeadlinePassed(what: "refusal")
  } catch let error as KubernetesError {
    return error
  }
}
