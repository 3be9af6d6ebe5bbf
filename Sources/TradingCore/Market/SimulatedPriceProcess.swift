/// A deterministic random walk of all instruments, in integer arithmetic.
///
/// The next snapshot depends on nothing but the seed and the snapshot before it. A replica that takes over
/// the feed therefore goes on exactly where the last one stopped.
public struct SimulatedPriceProcess: Sendable {
  public let seed: UInt64
  public let instruments: [Instrument]

  public init(seed: UInt64, instruments: [Instrument]) {
    self.seed = seed
    self.instruments = instruments
  }

  /// Step 0: every instrument at its reference price.
  public func initial(at time: Timestamp) -> PriceSnapshot {
    PriceSnapshot(
      sequence: 0, time: time,
      quotes: instruments.map { quote($0, middle: $0.referencePrice.points) })
  }

  /// The step after `previous`. Instruments that `previous` does not know start at their reference price.
  public func next(after previous: PriceSnapshot, at time: Timestamp) -> PriceSnapshot {
    let sequence = previous.sequence + 1
    let quotes = instruments.enumerated().map { index, instrument in
      let reference = instrument.referencePrice.points
      let middle = previous[instrument.symbol].map { $0.bid.points + instrument.spread / 2 } ?? reference
      let width = UInt64(2 * instrument.simulatedMove + 1)
      let move = Int64(random(sequence: sequence, stream: index) % width) - instrument.simulatedMove
      // Drawn back to the reference, so that a feed left running for weeks stays near believable prices.
      let pull = (reference - middle) / 1_024
      return quote(instrument, middle: min(max(middle + move + pull, reference / 2), reference * 2))
    }
    return PriceSnapshot(sequence: sequence, time: time, quotes: quotes)
  }

  private func quote(_ instrument: Instrument, middle: Int64) -> Quote {
    let bid = middle - instrument.spread / 2
    return Quote(symbol: instrument.symbol, bid: Price(points: bid), ask: Price(points: bid + instrument.spread))
  }

  /// SplitMix64 (Steele, Lea, Flood 2014) of the step and the instrument, so that no generator state is carried along.
  private func random(sequence: Int64, stream: Int) -> UInt64 {
    var word = seed &+ UInt64(bitPattern: sequence) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(stream) &* 0xD1B5_4A32_D192_ED03
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
