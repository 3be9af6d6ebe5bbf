import TradingCore

/// Ticks a second against resting orders: the dealer's sorted books beside a scan of all orders.
///
/// Quiet ticks trigger nothing, which is what nearly all ticks do; busy ticks walk into the orders. Both sides get the same
/// orders and quotes and must trigger the same number. Prints lines that `hack/bench` reads: `figure NAME VALUE UNIT`.
@main
enum CoreBench {
  static let resting = 100_000

  static func main() throws {
    print("orders waiting: \(resting)")
    var spread = (ours: 0.0, naive: 1.0)
    for (name, accounts) in [("one account", 1), ("1000 accounts", 1_000)] {
      let quiet = Workload(
        seed: 7, orders: resting, accounts: accounts, ticks: 1_000_000, nearest: 200, step: 20, reach: 150)
      let ours = try run(quiet)
      let naive = scan(quiet, ticks: 2_000)
      report("quiet, \(name)", ours.rate, naive.rate, ours.fired, nil)
      spread = (ours.rate, naive.rate)

      let busy = Workload(
        seed: 8, orders: resting, accounts: accounts, ticks: 2_000, nearest: 20, step: 60, reach: 8_000)
      let worked = try run(busy)
      let scanned = scan(busy, ticks: 2_000)
      report("busy, \(name)", worked.rate, scanned.rate, worked.fired, scanned.fired)
      guard worked.fired == scanned.fired else {
        print("the sides triggered \(worked.fired) and \(scanned.fired) orders: the comparison is void")
        throw Mismatch()
      }
    }
    figure("core_ticks_per_s", spread.ours, "ticks/s")
    figure("core_vs_naive", spread.ours / spread.naive, "ratio")
  }

  struct Mismatch: Error {}

  private static func run(_ work: Workload) throws -> (rate: Double, fired: Int) {
    var dealer = Dealer(terms: DealerTerms(catalog: .standard, maximumQuoteAge: .max / 2))
    for id in work.accountIds {
      var account = Account.open(
        AccountSettings(accountId: id, currency: Currency("USD"), mode: .hedging), at: Workload.start
      ).account
      _ = try account.transfer(
        Money(minorUnits: 1_000_000_000_000), reference: "", in: dealer.market, at: Workload.start)
      dealer.add(account)
    }
    let clock = ContinuousClock()
    let placing = try clock.measure {
      for (id, request) in work.orders {
        _ = try dealer.perform(on: id) { account, market throws(CommandError) in
          try account.place(request, in: market, at: Workload.start)
        }
      }
    }
    print("  placed \(Int(Double(work.orders.count) / seconds(placing))) orders/s")
    var fired = 0
    var time = Workload.start.milliseconds
    let elapsed = try clock.measure {
      for quote in work.quotes {
        time += 1
        for effect in try dealer.tick(quote, at: Timestamp(milliseconds: time)) {
          for transaction in effect.transactions {
            if case .orderFill = transaction.kind { fired += 1 }
          }
        }
      }
    }
    return (Double(work.quotes.count) / seconds(elapsed), fired)
  }

  private static func scan(_ work: Workload, ticks: Int) -> (rate: Double, fired: Int) {
    var book = NaiveBook()
    for (index, order) in work.orders.enumerated() { book.add(order.request, id: Int64(index)) }
    var fired = 0
    let quotes = work.quotes.prefix(ticks)
    let elapsed = ContinuousClock().measure {
      for quote in quotes { fired += book.tick(bid: quote.bid.points, ask: quote.ask.points).count }
    }
    return (Double(quotes.count) / seconds(elapsed), fired)
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }

  private static func report(_ name: String, _ ours: Double, _ naive: Double, _ fired: Int, _ naiveFired: Int?) {
    print(
      "\(name): ours \(Int(ours)) ticks/s, scanning \(Int(naive)) ticks/s, ratio \(Int(ours / naive)), "
        + "triggered \(fired)" + (naiveFired.map { " and \($0)" } ?? ""))
  }

  private static func figure(_ name: String, _ value: Double, _ unit: String) {
    print("figure \(name) \((value * 10).rounded() / 10) \(unit)")
  }
}
