import KubernetesClient
import Synchronization

extension FaultInjector {
  /// Faults of every kind, drawn with a seed.
  /// - Parameters:
  ///   - probability: With how many of a hundred requests something goes wrong, as a share of 1.
  ///   - longestDelay: For `Fault.delay`.
  public static func randomPlan(
    seed: UInt64, probability: Double, longestDelay: Duration = .milliseconds(2)
  ) -> Plan {
    let generator = SharedGenerator(seed)
    return { request in
      generator.draw { random in
        guard random.chance(probability) else { return nil }
        let isWatch = request.query.contains { $0.name == "watch" }
        let chunks = Int.random(in: 0...3, using: &random)
        var faults: [Fault] = [
          .drop, .delay(longestDelay * Double.random(in: 0...1, using: &random)), .refuse(.internalError),
          .refuse(.tooManyRequests), .refuse(.unavailable),
        ]
        if isWatch {
          faults += [
            .truncate(afterChunks: chunks), .close(afterChunks: chunks), .expire(afterChunks: chunks), .duplicate,
            .duplicate, .refuse(.gone),
          ]
        } else if request.method.isRead {
          faults += [.truncate(afterChunks: 0), .refuse(.gone)]
        } else {
          faults += [.loseAnswer, .loseAnswer, .refuse(.conflict)]
        }
        return faults.randomElement(using: &random)
      }
    }
  }
}

/// A generator that several requests draw from at once.
private final class SharedGenerator: Sendable {
  private let state: Mutex<SeededGenerator>

  init(_ seed: UInt64) {
    state = Mutex(SeededGenerator(seed: seed))
  }

  func draw<Result: Sendable>(_ body: (inout SeededGenerator) -> Result) -> Result {
    state.withLock { body(&$0) }
  }
}
