import Testing

@testable import TradingStore

struct LaneChoiceTests {
  @Test(arguments: ["bench-", "account", ""])
  func namesThatDifferInTheirLastCharactersUseAllLanesAlike(prefix: String) {
    for lanes in [2, 3, 4] {
      var accounts = Array(repeating: 0, count: lanes)
      for number in 0..<1_000 { accounts[TradingDesk.lane(of: "\(prefix)\(number)", among: lanes)] += 1 }
      for count in accounts { #expect(abs(count - 1_000 / lanes) < 100) }
    }
  }

  @Test func theAccountsOfOneShardUseAllLanes() {
    let names = (0..<4_000).map { "account-\($0)" }.filter { EvaluatorLeases.shard(of: $0) == 5 }
    let first = names.count { TradingDesk.lane(of: $0, among: 2) == 0 }
    #expect(abs(first - names.count / 2) < names.count / 5)
  }
}
