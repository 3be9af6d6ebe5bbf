import TradingCore
import TradingLoad
import TradingStore

/// Clients of a desk in the same process.
struct DeskLoad: Sendable {
  let desk: TradingDesk
  let clients: Int

  /// What one measurement gave.
  struct Outcome: Sendable {
    /// Committed orders a second.
    let rate: Double
    let latencies: LatencyHistogram

    func report(_ name: String) {
      print("\(name)_per_s \(Int(rate))")
      for (key, part) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)] {
        print("\(name)_\(key)_ms \(Double(latencies.percentile(part) / 1_000) / 1_000)")
      }
    }
  }

  /// Each client sends its next order when the last one is answered.
  func closed(for duration: Duration) async throws -> Outcome {
    let run = UInt64.random(in: 0...(.max))
    let start = ContinuousClock.now
    let end = start + duration
    let latencies = try await withThrowingTaskGroup(of: LatencyHistogram.self) { group in
      for client in 0..<clients {
        group.addTask {
          var latencies = LatencyHistogram()
          var turn = 0
          while ContinuousClock.now < end {
            let sent = ContinuousClock.now
            try await place(client, turn, "\(run)-\(turn)")
            latencies.record(nanoseconds: sent.duration(to: .now).inNanoseconds)
            turn += 1
          }
          return latencies
        }
      }
      return try await group.reduce(into: LatencyHistogram()) { $0.merge($1) }
    }
    return Outcome(rate: Double(latencies.count) / start.duration(to: .now).inSeconds, latencies: latencies)
  }

  /// Orders start at fixed moments, whether or not those before are answered; a latency counts from the intended start.
  func open(rate: Double, for duration: Duration) async throws -> Outcome {
    let run = UInt64.random(in: 0...(.max))
    let schedule = ArrivalSchedule(rate: rate, duration: duration, spacing: .poisson, seed: 1)
    let start = ContinuousClock.now
    let latencies = try await withThrowingTaskGroup(of: Int64.self) { group in
      for await arrival in ArrivalClock.arrivals(schedule) {
        group.addTask {
          try await place(arrival.number % clients, arrival.number / clients, "\(run)-\(arrival.number / clients)")
          return arrival.due.duration(to: .now).inNanoseconds
        }
      }
      return try await group.reduce(into: LatencyHistogram()) { $0.record(nanoseconds: $1) }
    }
    return Outcome(rate: Double(latencies.count) / start.duration(to: .now).inSeconds, latencies: latencies)
  }

  private func place(_ client: Int, _ turn: Int, _ id: String) async throws {
    let placement = try await desk.place(BenchAccount(client).order(id, turn: turn), deadline: .now + .seconds(10))
    guard placement.status == .filled else { throw NotFilled(receipt: placement.receipt) }
  }

  /// Something else than what is to be measured happens.
  struct NotFilled: Error { let receipt: String }
}

extension Duration {
  var inNanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
  var inSeconds: Double { Double(inNanoseconds) / 1e9 }
}
