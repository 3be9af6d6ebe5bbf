import Dispatch
import Glibc
import TradingLoad

/// One order that is to start.
struct Arrival: Sendable {
  let number: Int
  /// When it is meant to start; latencies count from here.
  let due: ContinuousClock.Instant
}

/// Announces the arrivals of a schedule from a thread of its own that sleeps in the kernel. A task's timer takes its turn
/// among the tasks that are measured, and that waiting would count as the desk's.
enum ArrivalClock {
  static func arrivals(_ schedule: ArrivalSchedule) -> AsyncStream<Arrival> {
    let (arrivals, coming) = AsyncStream.makeStream(of: Arrival.self)
    DispatchQueue(label: "arrivals").async {
      let start = ContinuousClock.now + .milliseconds(10)
      for (number, offset) in schedule.enumerated() {
        let due = start + .nanoseconds(offset)
        sleep(until: due)
        coming.yield(Arrival(number: number, due: due))
      }
      coming.finish()
    }
    return arrivals
  }

  private static func sleep(until due: ContinuousClock.Instant) {
    let nanoseconds = ContinuousClock.now.duration(to: due).inNanoseconds
    guard nanoseconds > 0 else { return }
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    nanosleep(&time, nil)
  }
}
