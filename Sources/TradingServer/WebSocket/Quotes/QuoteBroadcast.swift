import TradingCore

/// What every event loop is to show: the dealer's own prices, and those of each group that anybody here deals as.
struct QuoteBroadcast: Sendable {
  private(set) var dealer: QuoteUpdate
  private(set) var groups: [String: QuoteUpdate]

  var isEmpty: Bool { dealer.isEmpty && groups.values.allSatisfy(\.isEmpty) }

  /// Takes over what `newer` shows.
  mutating func merge(_ newer: QuoteBroadcast) {
    dealer.merge(newer.dealer)
    groups.merge(newer.groups) { old, new in
      var merged = old
      merged.merge(new)
      return merged
    }
  }
}

/// Finds out what is new in the dealer's quotes, and in what each group makes of them by its markups.
struct QuoteEditor {
  private var shown: PriceSnapshot?
  /// The markups that each group was shown last.
  private var groups: [String: [Symbol: Int64]] = [:]

  /// What `snapshot` has that was not shown.
  mutating func broadcast(_ snapshot: PriceSnapshot, terms: DealerTerms) -> QuoteBroadcast {
    var updates: [String: QuoteUpdate] = [:]
    for (group, before) in groups {
      let markups = terms.markups[group] ?? [:]
      // Under other markups every price is another one.
      let last = markups == before ? shown : nil
      updates[group] = QuoteUpdate(snapshot, after: last, terms: terms, group: group)
      groups[group] = markups
    }
    let dealer = QuoteUpdate(snapshot, after: shown, terms: terms)
    shown = snapshot
    return QuoteBroadcast(dealer: dealer, groups: updates)
  }

  /// Everything as it was shown last, for a loop that has not shown it yet; from now on `broadcast` has news of the group.
  /// Nil before the first prices.
  mutating func everything(for group: String?, terms: DealerTerms) -> QuoteUpdate? {
    if let group, groups[group] == nil { groups[group] = terms.markups[group] ?? [:] }
    return shown.map { QuoteUpdate($0, after: nil, terms: terms, group: group) }
  }
}
