/// Which price of the dealer an order waits for, and from which side.
enum TriggerCondition: Int, Sendable, Hashable, CaseIterable {
  /// Buy limits, and take profits of sold trades.
  case askAtOrBelow
  /// Buy stops, and stop losses of sold trades.
  case askAtOrAbove
  /// Sell limits, and take profits of bought trades.
  case bidAtOrAbove
  /// Sell stops, and stop losses of bought trades.
  case bidAtOrBelow

  /// Keys grow away from the market, so that what triggers first stands first.
  fileprivate func key(_ points: Int64) -> Int64 {
    self == .askAtOrBelow || self == .bidAtOrBelow ? -points : points
  }

  /// The largest key that `prices` trigger.
  fileprivate func reach(_ prices: DealtPrices) -> Int64 {
    key(self == .askAtOrBelow || self == .askAtOrAbove ? prices.ask : prices.bid)
  }
}

/// A price that an order waits for.
struct Trigger: Sendable, Hashable {
  let condition: TriggerCondition
  let points: Int64

  func isMet(by prices: DealtPrices) -> Bool { condition.key(points) <= condition.reach(prices) }
}

/// What waits for prices of one symbol: four sorted lists, so that a tick looks at four first elements.
struct TriggerBook: Sendable {
  private var askAtOrBelow = TriggerLevels()
  private var askAtOrAbove = TriggerLevels()
  private var bidAtOrAbove = TriggerLevels()
  private var bidAtOrBelow = TriggerLevels()

  var isEmpty: Bool { askAtOrBelow.isEmpty && askAtOrAbove.isEmpty && bidAtOrAbove.isEmpty && bidAtOrBelow.isEmpty }

  mutating func insert(_ trigger: Trigger, id: Int64) {
    let level = TriggerLevel(key: trigger.condition.key(trigger.points), id: id)
    switch trigger.condition {
    case .askAtOrBelow: askAtOrBelow.insert(level)
    case .askAtOrAbove: askAtOrAbove.insert(level)
    case .bidAtOrAbove: bidAtOrAbove.insert(level)
    case .bidAtOrBelow: bidAtOrBelow.insert(level)
    }
  }

  mutating func remove(_ trigger: Trigger, id: Int64) {
    let level = TriggerLevel(key: trigger.condition.key(trigger.points), id: id)
    switch trigger.condition {
    case .askAtOrBelow: askAtOrBelow.remove(level)
    case .askAtOrAbove: askAtOrAbove.remove(level)
    case .bidAtOrAbove: bidAtOrAbove.remove(level)
    case .bidAtOrBelow: bidAtOrBelow.remove(level)
    }
  }

  /// The ids of what `prices` trigger, ascending, each once.
  func triggered(by prices: DealtPrices) -> [Int64] {
    var ids: [Int64] = []
    askAtOrBelow.collect(upTo: TriggerCondition.askAtOrBelow.reach(prices), into: &ids)
    askAtOrAbove.collect(upTo: TriggerCondition.askAtOrAbove.reach(prices), into: &ids)
    bidAtOrAbove.collect(upTo: TriggerCondition.bidAtOrAbove.reach(prices), into: &ids)
    bidAtOrBelow.collect(upTo: TriggerCondition.bidAtOrBelow.reach(prices), into: &ids)
    if ids.count < 2 { return ids }
    ids.sort()
    var last: Int64?
    ids.removeAll { id in
      defer { last = id }
      return id == last
    }
    return ids
  }

  /// The nearest trigger of each condition, for an index over many accounts.
  var nearest: [Trigger] {
    var result: [Trigger] = []
    func add(_ condition: TriggerCondition, _ levels: TriggerLevels) {
      // A key is its own inverse image: negating twice gives the points back.
      if let key = levels.first?.key { result.append(Trigger(condition: condition, points: condition.key(key))) }
    }
    add(.askAtOrBelow, askAtOrBelow)
    add(.askAtOrAbove, askAtOrAbove)
    add(.bidAtOrAbove, bidAtOrAbove)
    add(.bidAtOrBelow, bidAtOrBelow)
    return result
  }
}
