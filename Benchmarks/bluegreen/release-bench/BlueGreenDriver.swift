import KubernetesModels
import RTXPlatformAPI

/// The operator's own blue-green releases, switched by a person's word.
struct BlueGreenDriver: ReleaseDriver {
  let place: Place
  var serviceName: String { "\(place.platform)-backend" }

  /// How long the new version serves before it is rolled back: long enough for its clients to have come.
  private static let hold = Duration.seconds(3)
  private static let attempts = 5

  func prepare() async throws {
    try await place.patch(["spec": ["rollout": ["strategy": "BlueGreen", "autoPromote": false]]])
    say("waiting for the first release")
    let image = try await place.wait(for: "a colour that serves") {
      let platform = try await place.read()
      let rollout = platform.status?.rollout
      let isColoured = ["blue", "green"].contains(rollout?.stableColour)
      return rollout?.step == "Idle" && isColoured ? platform.spec.backend.image : nil
    }
    try await place.waitUntilAlone(image)
  }

  func cycle(_ watch: EndpointWatch) async throws -> Cycle {
    var cycle = Cycle(switches: [], rollback: .zero)
    let old = try await place.read().spec.backend.image
    // After a rollback the spec still asks for what was rolled back, and what serves is the other image.
    let stable = try await isRefused() ? place.other(than: old) : old
    let new = place.other(than: stable)
    try await again(&cycle) {
      let (revision, time) = try await move(to: new, watch)
      let end = try await step("Idle", after: revision)
      // Taken back in the watch.
      if end.failedRevision == revision { throw ReleaseRefused(end) }
      return (time, nil)
    }
    try await place.waitUntilAlone(new)
    try await again(&cycle) {
      let (revision, time) = try await move(to: stable, watch)
      _ = try await step("Watching", after: revision)
      try await Task.sleep(for: Self.hold)
      let start = ContinuousClock.now
      try await wish("rollback", revision)
      let back = try await watch.settled(on: new, within: place.patience) - start
      _ = try await step("Idle", after: revision)
      return (time, back)
    }
    try await place.waitUntilAlone(new)
    return cycle
  }

  /// Does it until it ends as planned.
  private func again(_ cycle: inout Cycle, _ body: () async throws -> (Duration, Duration?)) async throws {
    for attempt in 1...Self.attempts {
      do {
        let (time, back) = try await body()
        cycle.switches.append(time)
        if let back { cycle.rollback = back }
        return
      } catch let failure as ReleaseRefused {
        say("refused: \(failure.reason)")
        cycle.unplanned.append(failure.reason)
        if attempt == Self.attempts { throw BenchFailure(failure.reason) }
        try await Task.sleep(for: .seconds(5))
      }
    }
  }

  /// Releases an image, approves it, and waits until it has all requests.
  private func move(to image: String, _ watch: EndpointWatch) async throws -> (revision: String, time: Duration) {
    let refused = try await place.read().status?.rollout
    if let revision = refused?.failedRevision, refused?.step == "Idle",
      try await place.read().spec.backend.image == image
    {
      try await wish("retry", revision)
      try await place.wait(
        for: "the retry of \(revision)", until: { try await place.read().status?.rollout?.failedRevision == nil })
    } else {
      try await place.release(image)
    }
    let revision = try await place.wait(for: "\(image) to wait for its approval") {
      let rollout = try await place.read().status?.rollout
      if let rollout, rollout.step == "Idle", rollout.failedRevision != nil { throw ReleaseRefused(rollout) }
      return rollout?.step == "AwaitingApproval" && rollout?.image == image ? rollout?.revision : nil
    }
    let start = ContinuousClock.now
    try await wish("approve", revision)
    return (revision, try await watch.settled(on: image, within: place.patience) - start)
  }

  /// Waits until the release has come to a step.
  private func step(_ name: String, after revision: String) async throws -> RolloutStatus {
    try await place.wait(for: "\(revision) to be \(name)") {
      guard let rollout = try await place.read().status?.rollout else { return nil }
      if rollout.step == name, name == "Idle" || rollout.revision == revision { return rollout }
      if rollout.step == "Idle", rollout.failedRevision == revision { throw ReleaseRefused(rollout) }
      return nil
    }
  }

  private func isRefused() async throws -> Bool { try await place.read().status?.rollout?.failedRevision != nil }

  private func wish(_ verb: String, _ revision: String) async throws {
    let text = JSONValue.string("\(verb) \(revision)")
    try await place.patch(["metadata": ["annotations": [PlatformConstants.releaseAnnotation: text]]])
  }
}

/// The operator ended a release by itself.
private struct ReleaseRefused: Error {
  let reason: String
  init(_ status: RolloutStatus) { reason = status.failedReason ?? status.message ?? "no reason given" }
}
