import Synchronization
public import TradingCore

/// Where the prices on the board come from.
public enum PriceSource: Sendable, Hashable {
  /// Shared by all replicas through Redis; this replica leads or follows.
  case shared(isLeader: Bool)
  /// Made here because Redis cannot be reached; other replicas may show others.
  case local(reason: String)
}

/// The latest prices, and everyone who wants to hear of new ones.
public final class PriceBoard: Sendable {
  private struct State {
    var latest: PriceSnapshot?
    var source = PriceSource.local(reason: "starting")
    var listeners: [UInt64: AsyncStream<PriceSnapshot>.Continuation] = [:]
    var nextListener: UInt64 = 0
  }
  private let state = Mutex(State())

  public init() {}

  public var latest: PriceSnapshot? { state.withLock { $0.latest } }

  public var source: PriceSource {
    get { state.withLock { $0.source } }
    set { state.withLock { $0.source = newValue } }
  }

  /// Shows `snapshot`, whatever was shown before.
  public func show(_ snapshot: PriceSnapshot) {
    state.withLock { Self.show(snapshot, &$0) }
  }

  /// Shows `snapshot` when it is newer than what is shown.
  public func offer(_ snapshot: PriceSnapshot) {
    state.withLock { state in
      if let latest = state.latest, latest.sequence >= snapshot.sequence { return }
      Self.show(snapshot, &state)
    }
  }

  /// The latest prices and then each new one. A slow reader skips what it had no time for.
  public func updates() -> AsyncStream<PriceSnapshot> {
    let (stream, continuation) = AsyncStream.makeStream(of: PriceSnapshot.self, bufferingPolicy: .bufferingNewest(1))
    let id = state.withLock { state in
      state.nextListener += 1
      state.listeners[state.nextListener] = continuation
      if let latest = state.latest { continuation.yield(latest) }
      return state.nextListener
    }
    continuation.onTermination = { [weak self] _ in
      _ = self?.state.withLock { $0.listeners.removeValue(forKey: id) }
    }
    return stream
  }

  private static func show(_ snapshot: PriceSnapshot, _ state: inout State) {
    state.latest = snapshot
    for listener in state.listeners.values { listener.yield(snapshot) }
  }
}
