import NIOCore
import Synchronization

/// The messages that arrived and nobody has taken yet, between an event loop and any number of tasks.
///
/// It never grows much past its limit: the event loop asks it before it reads on, and is woken when there is room again.
final class InboundMessages: Sendable {
  private struct State {
    var messages: [ByteBuffer] = []
    var head = 0
    var bytes = 0
    /// The way of the end; set once.
    var end: Result<Void, any Error>?
    var waiting: [(id: Int, continuation: CheckedContinuation<ByteBuffer?, any Error>)] = []
    var nextID = 0
    var isReadPaused = false

    mutating func takeFirst() -> ByteBuffer? {
      guard head < messages.count else { return nil }
      let message = messages[head]
      messages[head] = ByteBuffer()
      head += 1
      bytes -= max(message.readableBytes, 1)
      // Moving the rest up each time would make a long queue quadratic.
      if head == messages.count || head > 1024 {
        messages.removeFirst(head)
        head = 0
      }
      return message
    }
  }

  private let limit: Int
  private let resumeReading: @Sendable () -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - limit: bytes above which the other side is held back.
  ///   - resumeReading: called when there is room again after `hasRoom` said no.
  init(limit: Int = 256 << 10, resumeReading: @escaping @Sendable () -> Void) {
    self.limit = limit
    self.resumeReading = resumeReading
  }

  /// Whether the event loop may read on. After a no it is called back.
  func hasRoom() -> Bool {
    state.withLock { state in
      state.isReadPaused = state.bytes >= limit && state.end == nil
      return !state.isReadPaused
    }
  }

  func push(_ message: ByteBuffer) {
    let receiver = state.withLock { state -> CheckedContinuation<ByteBuffer?, any Error>? in
      guard state.end == nil else { return nil }
      if !state.waiting.isEmpty { return state.waiting.removeFirst().continuation }
      state.messages.append(message)
      state.bytes += max(message.readableBytes, 1)
      return nil
    }
    receiver?.resume(returning: message)
  }

  /// No more messages; those that are here can still be taken. Only the first call counts.
  func finish(_ end: Result<Void, any Error> = .success(())) {
    let waiting = state.withLock { state in
      guard state.end == nil else { return [(id: Int, continuation: CheckedContinuation<ByteBuffer?, any Error>)]() }
      state.end = end
      defer { state.waiting = [] }
      return state.waiting
    }
    for receiver in waiting { receiver.continuation.resume(with: end.map { nil }) }
  }

  /// The next message; `nil` after the last.
  /// - Throws: what `finish` was given; `CancellationError`.
  func next() async throws -> ByteBuffer? {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let (answer, hasRoomAgain) = state.withLock { state -> (Result<ByteBuffer?, any Error>?, Bool) in
          if Task.isCancelled { return (.failure(CancellationError()), false) }
          if let message = state.takeFirst() {
            let hasRoomAgain = state.isReadPaused && state.bytes <= limit / 2
            if hasRoomAgain { state.isReadPaused = false }
            return (.success(message), hasRoomAgain)
          }
          if let end = state.end { return (end.map { nil }, false) }
          state.waiting.append((id, continuation))
          return (nil, false)
        }
        if hasRoomAgain { resumeReading() }
        if let answer { continuation.resume(with: answer) }
      }
    } onCancel: {
      let waiting = state.withLock { state in
        state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
      }
      waiting?.resume(throwing: CancellationError())
    }
  }
}
