import Synchronization

/// The commands that wait for a lane: first come, first served within an account, and turn by turn between accounts, so
/// that one busy account cannot keep the others waiting.
final class LaneQueue: Sendable {
  private struct State {
    var waiting: [String: [DeskCommand]] = [:]
    /// Accounts with waiting commands; the next in turn stands first.
    var turns: [String] = []
    var count = 0
    var reader: CheckedContinuation<Bool, Never>?
    /// Everything that was added and may not be answered yet, for the deadlines.
    var open: [DeskCommand] = []
    var isClosed = false
    /// Why commands have to wait; told to those whose time is up.
    var trouble = "the database did not get to it in time"
  }

  private let state = Mutex(State())
  private let capacity: Int
  private let capacityOfAccount: Int

  /// - Parameters:
  ///   - capacity: commands that may wait.
  ///   - capacityOfAccount: commands of one account that may wait.
  init(capacity: Int, capacityOfAccount: Int) {
    self.capacity = capacity
    self.capacityOfAccount = capacityOfAccount
  }

  /// Puts a command at the end, or answers it when there is no room or nobody works any more.
  func add(_ command: DeskCommand) {
    let (refusal, reader) = state.withLock { state -> (DeskError?, CheckedContinuation<Bool, Never>?) in
      if state.isClosed { return (.unavailable("this replica is shutting down"), nil) }
      let own = state.waiting[command.accountId]?.count ?? 0
      if state.count >= capacity || own >= capacityOfAccount { return (.busy, nil) }
      state.open.append(command)
      if own == 0 { state.turns.append(command.accountId) }
      state.waiting[command.accountId, default: []].append(command)
      state.count += 1
      defer { state.reader = nil }
      return (nil, state.reader)
    }
    if let refusal { command.answer(.failure(refusal)) }
    reader?.resume(returning: true)
  }

  /// Puts commands back that were taken and could not be carried out. They come before those that wait.
  func putBack(_ commands: [DeskCommand]) {
    if commands.isEmpty { return }
    let reader = state.withLock { state in
      for command in commands.reversed() {
        if state.waiting[command.accountId]?.isEmpty ?? true { state.turns.append(command.accountId) }
        state.waiting[command.accountId, default: []].insert(command, at: 0)
      }
      state.count += commands.count
      defer { state.reader = nil }
      return state.reader
    }
    reader?.resume(returning: true)
  }

  /// Waits until there is something to take. False once the queue is closed.
  func isFilled() async -> Bool {
    await withCheckedContinuation { continuation in
      let answer = state.withLock { state -> Bool? in
        if state.isClosed { return false }
        if state.count > 0 { return true }
        state.reader = continuation
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  /// Takes up to `limit` commands that still wait for an answer, one of each account in turn.
  func take(limit: Int) -> [DeskCommand] {
    state.withLock { state in
      var taken: [DeskCommand] = []
      var depth = 0
      var left = state.turns
      while !left.isEmpty, taken.count < limit {
        let unserved = left.dropFirst(limit - taken.count)
        var more: [String] = []
        for id in left.prefix(limit - taken.count) {
          guard let commands = state.waiting[id] else { continue }
          if !commands[depth].isAnswered { taken.append(commands[depth]) }
          state.count -= 1
          if commands.count > depth + 1 { more.append(id) } else { state.waiting[id] = nil }
        }
        if !unserved.isEmpty {
          // Those who had their turn in this round gave one more than the others.
          for id in more { state.waiting[id]?.removeFirst(depth + 1) }
          for id in unserved { state.waiting[id]?.removeFirst(depth) }
          state.turns = Array(unserved) + more
          return taken
        }
        left = more
        depth += 1
      }
      for id in left { state.waiting[id]?.removeFirst(depth) }
      state.turns = left
      return taken
    }
  }

  /// What to tell commands whose time runs out while they wait.
  func note(trouble: String) { state.withLock { $0.trouble = trouble } }

  /// Answers every command whose deadline has passed.
  func expire(at now: ContinuousClock.Instant) {
    let (open, trouble) = state.withLock { state in
      defer { state.open = [] }
      return (state.open, state.trouble)
    }
    let left = open.filter { !$0.expire(at: now, trouble) }
    state.withLock { $0.open = left + $0.open }
  }

  /// Answers everything that still waits, and all that comes later.
  func close() {
    let (reader, commands) = state.withLock { state in
      state.isClosed = true
      defer { (state.reader, state.waiting, state.turns, state.open, state.count) = (nil, [:], [], [], 0) }
      return (state.reader, state.open)
    }
    reader?.resume(returning: false)
    for command in commands { command.answer(.failure(.unavailable("this replica is shutting down"))) }
  }
}
