import RTXPlatformAPI

/// The requests that a new colour must answer before it gets any client's (`spec.rollout.smokeTests`).
struct SmokeTests: Sendable {
  let tests: [RolloutSmokeTestSpec]
  let access: any TradingServerAccess

  /// How often a test is tried before it has failed: the way to a Service that was just made may take a moment.
  private static let attempts = 3

  /// - Parameter base: `http://HOST[:PORT]` of the preview Service.
  /// - Returns: What the first failing test says, with its path; nil when all pass.
  func failure(at base: String) async throws -> String? {
    for test in tests {
      var complaint: String?
      for attempt in 1...Self.attempts {
        complaint = try await failure(of: test, at: base)
        if complaint == nil { break }
        if attempt < Self.attempts { try await Task.sleep(for: .seconds(1)) }
      }
      if let complaint { return "GET \(test.path): \(complaint)" }
    }
    return nil
  }

  private func failure(of test: RolloutSmokeTestSpec, at base: String) async throws -> String? {
    let limit = Duration.milliseconds(test.timeoutMilliseconds)
    do {
      return complaint(about: try await access.send("GET", base + test.path, timeout: limit), test)
    } catch let error as CancellationError {
      throw error
    } catch {
      return "no answer within \(test.timeoutMilliseconds) ms (\(error))"
    }
  }

  private func complaint(about answer: HTTPAnswer, _ test: RolloutSmokeTestSpec) -> String? {
    guard answer.status == test.status else { return "status \(answer.status) instead of \(test.status)" }
    for (name, value) in (test.headers ?? [:]).sorted(by: { $0.key < $1.key }) {
      let found = answer.headers[name.lowercased()]
      guard found == value else {
        return "header \(name) is \(found.map { "'\($0)'" } ?? "missing") instead of '\(value)'"
      }
    }
    if let wanted = test.bodyContains, !answer.body.contains(wanted) { return "the body does not contain '\(wanted)'" }
    return nil
  }
}
