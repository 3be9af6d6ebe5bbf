/// What a new colour may do under its clients' requests before it is taken back (`spec.rollout.watch`).
struct WatchThresholds: Sendable, Hashable {
  /// Per cent of requests answered with 5xx.
  var errorPercent = 1.0
  /// How many times the old colour's per cent of errors is still borne, where that is more than `errorPercent`.
  var errorFactor = 2.0
  /// Seconds; nil sets no bound of its own.
  var p99Seconds: Double?
  /// How many times the old colour's p99.
  var p99Factor = 2.0
  /// Restarts of all pods together since the switch.
  var restarts = 0
  /// Fewer requests than these say nothing about errors or latency.
  var minimumRequests = 100.0
}

/// Judges the new colour by its pods' own figures, against fixed bounds and against the colour that it replaced.
struct WatchAnalysis: Sendable {
  let thresholds: WatchThresholds
  /// What the old colour did before the switch.
  let baseline: RequestFigures

  /// - Parameters:
  ///   - seen: what the new colour's pods have answered since the switch.
  ///   - restarts: of its containers since the switch.
  func verdict(_ seen: RequestFigures, restarts: Int) -> WatchVerdict {
    if restarts > thresholds.restarts {
      return .failed("trading servers restarted \(restarts) times since the switch; \(thresholds.restarts) are allowed")
    }
    // Too few to tell anything are no reason to wait for ever.
    guard seen.requests >= thresholds.minimumRequests else { return .healthy }
    return errors(seen) ?? latency(seen) ?? .healthy
  }

  private func errors(_ seen: RequestFigures) -> WatchVerdict? {
    guard let percent = seen.errorPercent else { return nil }
    let before = isTelling ? baseline.errorPercent ?? 0 : 0
    let limit = max(thresholds.errorPercent, before * thresholds.errorFactor)
    guard percent > limit else { return nil }
    return .failed(
      "\(Self.text(percent)) % of \(Int(seen.requests)) requests failed since the switch; "
        + "the limit is \(Self.text(limit)) %, and it was \(Self.text(before)) % before")
  }

  private func latency(_ seen: RequestFigures) -> WatchVerdict? {
    guard let p99 = seen.quantile(0.99) else { return nil }
    if let limit = thresholds.p99Seconds, p99 > limit {
      return .failed("p99 is \(Self.text(p99 * 1000)) ms; the limit is \(Self.text(limit * 1000)) ms")
    }
    guard isTelling, let before = baseline.quantile(0.99), before > 0, p99 > before * thresholds.p99Factor else {
      return nil
    }
    return .failed(
      "p99 is \(Self.text(p99 * 1000)) ms, and was \(Self.text(before * 1000)) ms before the switch: more than "
        + "\(Self.text(thresholds.p99Factor)) times as long")
  }

  /// Whether the old colour had enough to do to be compared with.
  private var isTelling: Bool { baseline.requests >= thresholds.minimumRequests }

  /// At most two decimals.
  private static func text(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    guard hundredths % 100 != 0 else { return String(hundredths / 100) }
    let fraction = String(100 + hundredths % 100).dropFirst()
    return "\(hundredths / 100)." + (fraction.hasSuffix("0") ? fraction.dropLast() : fraction)
  }
}
