import Synchronization

/// A queue between one producer and one consumer that makes the producer wait while it is full.
final class BoundedPipe<Element: Sendable>: Sendable {
  private enum Side { case consumer, producer }

  private struct State {
    var elements: [(element: Element, weight: Int)] = []
    var weight = 0
    var isFinished = false
    var consumer: CheckedContinuation<Void, Never>?
    var producer: CheckedContinuation<Void, Never>?

    subscript(side: Side) -> CheckedContinuation<Void, Never>? {
      get { side == .consumer ? consumer : producer }
      set { if side == .consumer { consumer = newValue } else { producer = newValue } }
    }
  }

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: the weight above which a push waits for the consumer.
  init(limit: Int) {
    self.limit = limit
  }

  /// Adds an element and returns when there is room for the next; false when the pipe is finished.
  @discardableResult
  func push(_ element: Element, weight: Int) async -> Bool {
    let (consumer, isOpen, isFull) = state.withLock { state -> (CheckedContinuation<Void, Never>?, Bool, Bool) in
      guard !state.isFinished else { return (nil, false, false) }
      state.elements.append((element, weight))
      state.weight += weight
      defer { state.consumer = nil }
      return (state.consumer, true, state.weight > limit)
    }
    consumer?.resume()
    guard isOpen else { return false }
    if isFull { await wait(as: .producer) { $0.isFinished || $0.weight <= self.limit } }
    return true
  }

  /// The next element, waiting for it; nil when the pipe is finished and empty, or the waiting task is cancelled.
  func next() async -> Element? {
    await wait(as: .consumer) { $0.isFinished || !$0.elements.isEmpty }
    let (element, producer) = state.withLock { state -> (Element?, CheckedContinuation<Void, Never>?) in
      guard !state.elements.isEmpty else { return (nil, nil) }
      let first = state.elements.removeFirst()
      state.weight -= first.weight
      guard state.weight <= limit else { return (first.element, nil) }
      defer { state.producer = nil }
      return (first.element, state.producer)
    }
    producer?.resume()
    return element
  }

  /// No more elements; what is queued can still be read, unless `discarding`.
  func finish(discarding: Bool = false) {
    let waiting = state.withLock { state in
      state.isFinished = true
      if discarding {
        state.elements.removeAll()
        state.weight = 0
      }
      defer {
        state.consumer = nil
        state.producer = nil
      }
      return [state.consumer, state.producer]
    }
    for continuation in waiting { continuation?.resume() }
  }

  private func wait(
    as side: Side, until isReady: @Sendable (State) -> Bool
  ) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let goesOn = state.withLock { state in
          if isReady(state) || Task.isCancelled { return true }
          state[side] = continuation
          return false
        }
        if goesOn { continuation.resume() }
      }
    } onCancel: {
      let waiting = state.withLock { state in
        defer { state[side] = nil }
        return state[side]
      }
      waiting?.resume()
    }
  }
}
