extension OrderRequest {
  /// The first rule that the request breaks by itself, whatever the account and the market are; nil when it keeps all.
  func violation(of instrument: Instrument, at time: Timestamp) -> RejectReason? {
    if let reason = volumeViolation(of: instrument) ?? priceViolation() ?? timeViolation(at: time) { return reason }
    if let price = protection.takeProfit, !price.isValid { return .takeProfitInvalid }
    if let price = protection.stopLoss, !price.isValid { return .stopLossInvalid }
    if let distance = protection.trailingDistance, !Price.valid.contains(distance) { return .trailingDistanceInvalid }
    if closingTradeId != nil {
      guard type == .market, !isReduceOnly, protection == .none, replacedOrderId == nil else {
        return .tradeIdentifierInconsistency
      }
    } else if closeByTradeId != nil {
      return .tradeIdentifierInconsistency
    }
    return nil
  }

  private func volumeViolation(of instrument: Instrument) -> RejectReason? {
    // A close may be as small or as large as what is left of the trade.
    if closingTradeId != nil { return volume.hundredths < 1 ? .volumeMinimumNotMet : stepViolation(of: instrument) }
    if volume < instrument.minimumVolume || volume.hundredths < 1 { return .volumeMinimumNotMet }
    if volume > instrument.maximumVolume { return .volumeLimitExceeded }
    return stepViolation(of: instrument)
  }

  private func stepViolation(of instrument: Instrument) -> RejectReason? {
    volume.hundredths % max(1, instrument.volumeStep.hundredths) == 0 ? nil : .volumePrecisionExceeded
  }

  private func priceViolation() -> RejectReason? {
    if let price, !price.isValid { return .priceInvalid }
    if type != .market, price == nil { return .priceMissing }
    if type == .stopLimit {
      guard let limitPrice else { return .limitPriceMissing }
      if !limitPrice.isValid { return .limitPriceInvalid }
    } else if limitPrice != nil {
      return .limitPriceInvalid
    }
    if let maximumDeviation {
      guard type == .market, price != nil, (0...Price.valid.upperBound).contains(maximumDeviation) else {
        return .priceBoundInvalid
      }
    }
    return nil
  }

  private func timeViolation(at time: Timestamp) -> RejectReason? {
    let allowed: [TimeInForce] =
      switch type {
      case .market: [.fillOrKill, .immediateOrCancel]
      case .limit: TimeInForce.allCases
      case .stop, .stopLimit: [.goodTillCancelled, .goodTillDate]
      }
    guard allowed.contains(timeInForce) else { return .timeInForceInvalid }
    guard timeInForce == .goodTillDate else { return goodTill == nil ? nil : .timeInForceInvalid }
    guard let goodTill else { return .goodTillMissing }
    return goodTill <= time ? .goodTillInPast : nil
  }
}
