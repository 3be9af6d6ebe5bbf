import Testing

@testable import TradingCore

@Suite struct TriggerLevelsTests {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func staysSortedThroughRandomInsertionsAndRemovals(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var levels = TriggerLevels()
    var expected: [TriggerLevel] = []
    for _ in 0..<6_000 {
      let level = TriggerLevel(key: random.below(900), id: random.below(1_000_000))
      if random.chance(65) || expected.isEmpty {
        levels.insert(level)
        expected.append(level)
      } else {
        let index = Int(random.below(Int64(expected.count)))
        levels.remove(expected.remove(at: index))
        levels.remove(TriggerLevel(key: 901, id: 1))
      }
    }
    expected.sort()
    var ids: [Int64] = []
    levels.collect(upTo: 450, into: &ids)
    #expect(ids == expected.filter { $0.key <= 450 }.map(\.id), "seed \(seed)")
    #expect(levels.count == expected.count)
    for level in expected {
      #expect(levels.first == level)
      levels.remove(level)
    }
    #expect(levels.isEmpty)
  }

  @Test func aTriggerIsMetAtItsPriceAndBeyond() {
    let cases: [(TriggerCondition, Int64, Int64, Bool)] = [
      (.askAtOrBelow, 9, 11, true), (.askAtOrBelow, 9, 12, false), (.askAtOrAbove, 9, 11, true),
      (.askAtOrAbove, 9, 10, false), (.bidAtOrAbove, 11, 12, true), (.bidAtOrAbove, 10, 12, false),
      (.bidAtOrBelow, 11, 12, true), (.bidAtOrBelow, 12, 12, false),
    ]
    for (condition, bid, ask, isMet) in cases {
      let prices = DealtPrices(bid: bid, ask: ask)
      #expect(Trigger(condition: condition, points: 11).isMet(by: prices) == isMet, "\(condition) \(bid)/\(ask)")
      var book = TriggerBook()
      book.insert(Trigger(condition: condition, points: 11), id: 4)
      #expect(book.triggered(by: prices) == (isMet ? [4] : []))
      #expect(book.nearest == [Trigger(condition: condition, points: 11)])
      book.remove(Trigger(condition: condition, points: 11), id: 4)
      #expect(book.isEmpty)
    }
  }
}
