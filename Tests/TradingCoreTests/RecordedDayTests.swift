import Testing

@testable import TradingCore

@Suite struct RecordedDayTests {
  /// Plays random inputs and keeps them, and what they led to, as text.
  private func record(seed: UInt64) -> (inputs: [String], ledger: [String]) {
    var generator = SequenceGenerator(seed: seed)
    var dealer = Dealer(terms: SequenceGenerator.terms)
    var inputs: [String] = []
    var ledger: [String] = []
    func play(_ input: DealerInput) {
      let time = Timestamp(milliseconds: generator.time)
      inputs.append(RecordedInput(input, at: time).canonicalLine)
      for effect in (try? dealer.handle(input, at: time)) ?? [] {
        ledger += effect.transactions.map { effect.accountId + " " + $0.canonicalLine }
      }
    }
    play(.open(generator.settings))
    for symbol in generator.symbols { play(.quote(generator.quote(symbol))) }
    play(.transfer(accountId: "a", Money(minorUnits: generator.deposit()), .clientFunding, reference: "first"))
    for _ in 0..<150 {
      let trades = (dealer["a"]?.trades.values.sorted { $0.id < $1.id } ?? [])
        .map { (id: $0.id, symbol: $0.symbol.name, side: $0.side, volume: $0.volume.hundredths) }
      let orders = (dealer["a"].map { Array($0.orders.keys) + Array($0.linkedOrders.keys) } ?? []).sorted()
      switch generator.step(orderIds: orders, tradeIds: trades) {
      case .tick(let quote): play(.quote(quote))
      case .place(let request): play(.place(request))
      case .cancel(let id): play(.cancel(accountId: "a", orderId: id))
      case .modify(let id, let protection): play(.modify(accountId: "a", tradeId: id, protection))
      case .transfer(let amount, let reference):
        play(.transfer(accountId: "a", Money(minorUnits: amount), .clientFunding, reference: reference))
      case .rollover(let moment): play(.rollover(accountId: "a", Timestamp(milliseconds: moment)))
      }
    }
    return (inputs, ledger)
  }

  /// FNV-1a, 64 bits.
  private func digest(_ lines: [String]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in lines.joined(separator: "\n").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash
  }

  @Test func aDayReadBackFromTextGivesTheSameLedger() throws {
    for seed in 1...20 as ClosedRange<UInt64> {
      let (inputs, ledger) = record(seed: seed)
      var dealer = Dealer(terms: SequenceGenerator.terms)
      var replayed: [String] = []
      for line in inputs {
        let recorded = try RecordedInput(canonicalLine: line)
        #expect(recorded.canonicalLine == line)
        for effect in (try? dealer.handle(recorded.input, at: recorded.time)) ?? [] {
          replayed += effect.transactions.map { effect.accountId + " " + $0.canonicalLine }
        }
      }
      #expect(replayed == ledger, "seed \(seed)")
    }
  }

  /// Swift hashes differently in every process; the bytes must not. A change of this number is a change of the rules.
  @Test func theBytesAreTheSameInEveryProcess() {
    var ledger: [String] = []
    for seed in 1...20 as ClosedRange<UInt64> { ledger += record(seed: seed).ledger }
    #expect(ledger.count == 2_287)
    #expect(digest(ledger) == 15_309_922_484_673_556_619)
  }

  @Test func saysWhyAnInputChangedNothing() throws {
    var dealer = Dealer(terms: SequenceGenerator.terms)
    let settings = AccountSettings(accountId: "a", currency: Currency("USD"))
    let time = Timestamp(milliseconds: 5)
    _ = try dealer.handle(.open(settings), at: time)
    #expect(throws: DealerInputError.accountExists("a")) { try dealer.handle(.open(settings), at: time) }
    #expect(throws: DealerInputError.accountUnknown("b")) {
      try dealer.handle(.cancel(accountId: "b", orderId: 1), at: time)
    }
    #expect(throws: DealerInputError.command(.orderDoesntExist(9))) {
      try dealer.handle(.cancel(accountId: "a", orderId: 9), at: time)
    }
    let quote = Quote(symbol: Symbol("EURXXX"), bid: Price(points: 1), ask: Price(points: 1))
    #expect(throws: DealerInputError.quote(.instrumentUnknown(Symbol("EURXXX")))) {
      try dealer.handle(.quote(quote), at: time)
    }
  }
}
