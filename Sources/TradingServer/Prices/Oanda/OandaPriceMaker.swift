import AsyncHTTPClient
public import Logging
import NIOCore
import Synchronization
public import TradingCore
import TradingStore

/// Prices from OANDA's v20 pricing stream.
///
/// A connection is made only while this replica's prices are wanted. A heartbeat comes every five seconds; when nothing has come
/// for longer the connection is as good as dead and is made anew. Quotes are vouched for as long as the stream lives, so a
/// quiet market does not look stale, and a dead stream does.
public final class OandaPriceMaker: PriceMaker {
  /// Twice the time between heartbeats.
  static let patience: Duration = .seconds(10)
  /// Unchanged quotes are vouched for again after this time, in milliseconds.
  private static let renewal: Int64 = 1_000

  private struct State {
    var isActive = false
    var quotes: [Symbol: (quote: Quote, isTradeable: Bool)] = [:]
    /// When the last line came; nil while there is no stream.
    var lastLine: ContinuousClock.Instant?
    var hasChanged = false
    var toldAt = Timestamp(milliseconds: 0)
    var problem: OandaProblem?
  }

  public let interval: Duration = .milliseconds(50)
  private let settings: OandaSettings
  private let catalog: InstrumentCatalog
  private let patience: Duration
  private let shortestPause: Duration
  private let logger: Logger
  private let state = Mutex(State())
  private let activations: AsyncStream<Void>
  private let activation: AsyncStream<Void>.Continuation

  public convenience init(settings: OandaSettings, catalog: InstrumentCatalog, logger: Logger) {
    self.init(
      settings: settings, catalog: catalog, patience: Self.patience, shortestPause: .seconds(1), logger: logger)
  }

  init(
    settings: OandaSettings, catalog: InstrumentCatalog, patience: Duration, shortestPause: Duration, logger: Logger
  ) {
    self.settings = settings
    self.catalog = catalog
    self.patience = patience
    self.shortestPause = shortestPause
    self.logger = logger
    (activations, activation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  public func setActive(_ isActive: Bool) {
    let hasChanged = state.withLock { state in
      defer { state.isActive = isActive }
      return state.isActive != isActive
    }
    if hasChanged { activation.yield() }
  }

  public var obstacle: String? { state.withLock { $0.isActive ? $0.problem?.description : nil } }

  public func next(after latest: PriceSnapshot?, at time: Timestamp) -> [Quote]? {
    state.withLock { state in
      guard let lastLine = state.lastLine, .now - lastLine <= patience, !state.quotes.isEmpty,
        state.hasChanged || time.milliseconds - state.toldAt.milliseconds >= Self.renewal
      else { return nil }
      state.hasChanged = false
      state.toldAt = time
      return catalog.instruments.compactMap { instrument in
        // What OANDA has halted while we trade is not vouched for; when we do not trade either, it may be shown.
        guard let known = state.quotes[instrument.symbol],
          known.isTradeable || !instrument.sessions.isOpen(at: time)
        else { return nil }
        return known.quote
      }
    }
  }

  /// Keeps the stream while prices are wanted, until the task is cancelled.
  public func run() async {
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.timeout.connect = .seconds(5)
    configuration.httpVersion = .http1Only
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    let connection = OandaConnection(settings: settings, client: client)
    var keeper: Task<Void, Never>?
    for await _ in activations {
      keeper?.cancel()
      await keeper?.value
      keeper = nil
      if state.withLock({ $0.isActive }) { keeper = Task { await self.keepStream(connection) } }
    }
    keeper?.cancel()
    await keeper?.value
    try? await client.shutdown()
  }

  private func keepStream(_ connection: OandaConnection) async {
    var backoff = Backoff(initial: shortestPause, maximum: shortestPause * 30)
    while !Task.isCancelled {
      let start = ContinuousClock.now
      let problem = await streamUntilItFails(connection)
      state.withLock { state in
        state.lastLine = nil
        state.quotes = [:]
        state.problem = problem
      }
      if Task.isCancelled { return }
      logger.warning("no prices from OANDA", metadata: ["error": "\(problem.message)", "remedy": "\(problem.remedy)"])
      // A stream that was well for a while starts over with short pauses.
      if .now - start > patience { backoff = Backoff(initial: shortestPause, maximum: shortestPause * 30) }
      var pause = problem.isPassing ? backoff.next() : shortestPause * 30 + backoff.next()
      if let seconds = problem.retryAfter { pause = max(pause, .seconds(min(max(0, seconds), 3_600))) }
      try? await Task.sleep(for: pause)
    }
  }

  private func streamUntilItFails(_ connection: OandaConnection) async -> OandaProblem {
    let silence = Silence()
    return await withTaskGroup(of: OandaProblem.self) { group in
      group.addTask {
        do {
          let names = try await connection.tradeableNames()
          let instruments = Dictionary(
            self.catalog.instruments.filter { names.contains($0.oandaName) }.map { ($0.oandaName, $0) }
          ) { first, _ in first }
          guard !instruments.isEmpty else { return .noInstruments }
          try await connection.stream(instruments.keys.sorted()) { line in
            silence.end()
            self.take(line, instruments)
          }
          return .ended
        } catch let problem as OandaProblem {
          return problem
        } catch {
          return .unreachable("\(error)")
        }
      }
      group.addTask {
        while !Task.isCancelled, silence.length < self.patience {
          try? await Task.sleep(for: self.patience - silence.length + .milliseconds(1))
        }
        return .silent
      }
      defer { group.cancelAll() }
      return await group.next() ?? .ended
    }
  }

  private func take(_ line: [UInt8], _ instruments: [String: Instrument]) {
    let message: OandaMessage
    do {
      message = try OandaMessage(line: line, instruments: instruments)
    } catch {
      logger.warning("a line from OANDA is not understood", metadata: ["bytes": "\(line.count)"])
      return
    }
    state.withLock { state in
      state.lastLine = .now
      state.problem = nil
      guard case .price(let quote, let isTradeable) = message else { return }
      let known = state.quotes[quote.symbol]
      if known?.quote == quote, known?.isTradeable == isTradeable { return }
      state.quotes[quote.symbol] = (quote, isTradeable)
      state.hasChanged = true
    }
  }
}

/// How long nothing has come.
private final class Silence: Sendable {
  private let last = Mutex(ContinuousClock.now)

  var length: Duration { last.withLock { ContinuousClock.now - $0 } }

  func end() { last.withLock { $0 = .now } }
}
