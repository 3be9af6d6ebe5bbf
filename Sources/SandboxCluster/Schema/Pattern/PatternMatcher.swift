/// A compiled regular expression in RE2's syntax, matched in time linear in the text.
///
/// Threads of a small machine advance together through the text (Thompson's construction, Pike's priorities), so no pattern
/// that a CRD brings can make the server spin.
struct PatternMatcher: Sendable {
  private enum Instruction: Sendable {
    case scalars(CharacterClass)
    case assertion(PatternNode.Assertion)
    case jump(Int)
    /// Both ways, the first preferred.
    case split(Int, Int)
    case match
  }

  private static let longestProgram = 20_000
  private var program: [Instruction] = []

  /// - Throws: `PatternSyntaxError`.
  init(_ pattern: String) throws(PatternSyntaxError) {
    var parser = PatternParser(pattern)
    let node = try parser.parse()
    try emit(node)
    program.append(.match)
  }

  /// Whether the pattern matches anywhere in the text; anchors are the pattern's own.
  func matches(_ text: String) -> Bool {
    firstMatch(in: Array(text.unicodeScalars), from: 0, stopsEarly: true) != nil
  }

  /// The parts of the text that match, left to right without overlap, at most `limit`.
  func allMatches(in text: String, limit: Int = Int.max) -> [String] {
    let scalars = Array(text.unicodeScalars)
    var found: [String] = []
    var position = 0
    while position <= scalars.count, found.count < limit, let range = firstMatch(in: scalars, from: position) {
      var match = String.UnicodeScalarView()
      match.append(contentsOf: scalars[range])
      found.append(String(match))
      position = range.isEmpty ? range.upperBound + 1 : range.upperBound
    }
    return found
  }

  // MARK: Compiling

  private mutating func emit(_ node: PatternNode) throws(PatternSyntaxError) {
    guard program.count < Self.longestProgram else {
      throw PatternSyntaxError(message: "expression too large", offset: 0)
    }
    switch node {
    case .empty: break
    case .scalars(let set): program.append(.scalars(set))
    case .assertion(let assertion): program.append(.assertion(assertion))
    case .concatenation(let parts): for part in parts { try emit(part) }
    case .alternation(let branches): try emitAlternation(branches)
    case .repetition(let body, let minimum, let maximum, let isLazy):
      for _ in 0..<minimum { try emit(body) }
      if let maximum {
        try emitOptional(body, times: maximum - minimum, isLazy: isLazy)
      } else {
        let start = program.count
        program.append(.match)  // replaced below, once the end is known
        try emit(body)
        program.append(.jump(start))
        program[start] = split(start + 1, program.count, isLazy: isLazy)
      }
    }
  }

  private mutating func emitAlternation(_ branches: [PatternNode]) throws(PatternSyntaxError) {
    var ends: [Int] = []
    for (index, branch) in branches.enumerated() {
      guard index < branches.count - 1 else {
        try emit(branch)
        break
      }
      let start = program.count
      program.append(.match)
      try emit(branch)
      ends.append(program.count)
      program.append(.match)
      program[start] = .split(start + 1, program.count)
    }
    for end in ends { program[end] = .jump(program.count) }
  }

  private mutating func emitOptional(_ body: PatternNode, times: Int, isLazy: Bool) throws(PatternSyntaxError) {
    var splits: [Int] = []
    for _ in 0..<times {
      splits.append(program.count)
      program.append(.match)
      try emit(body)
    }
    for start in splits { program[start] = split(start + 1, program.count, isLazy: isLazy) }
  }

  private func split(_ body: Int, _ end: Int, isLazy: Bool) -> Instruction {
    isLazy ? .split(end, body) : .split(body, end)
  }

  // MARK: Matching

  private struct Threads {
    var list: [(pc: Int, start: Int)] = []
    var visited: [Int]
    var generation = 0

    init(capacity: Int) { visited = Array(repeating: -1, count: capacity) }

    mutating func clear() {
      list.removeAll(keepingCapacity: true)
      generation += 1
    }
  }

  private func firstMatch(in text: [Unicode.Scalar], from: Int, stopsEarly: Bool = false) -> Range<Int>? {
    var current = Threads(capacity: program.count)
    var next = Threads(capacity: program.count)
    var matched: Range<Int>?
    for position in from...text.count {
      if matched == nil { add(pc: 0, start: position, at: position, text, to: &current) }
      if current.list.isEmpty, matched != nil { break }
      next.clear()
      threads: for thread in current.list {
        switch program[thread.pc] {
        case .match:
          matched = thread.start..<position
          if stopsEarly { return matched }
          break threads  // what follows has lower priority
        case .scalars(let set):
          if position < text.count, set.contains(text[position]) {
            add(pc: thread.pc + 1, start: thread.start, at: position + 1, text, to: &next)
          }
        case .assertion, .jump, .split: break
        }
      }
      swap(&current, &next)
    }
    return matched
  }

  /// Follows jumps and assertions from `pc` and adds the instructions that consume, in order of priority.
  private func add(pc: Int, start: Int, at position: Int, _ text: [Unicode.Scalar], to threads: inout Threads) {
    var pending = [pc]
    while let pc = pending.popLast() {
      guard threads.visited[pc] != threads.generation else { continue }
      threads.visited[pc] = threads.generation
      switch program[pc] {
      case .jump(let target): pending.append(target)
      case .split(let first, let second):
        pending.append(second)
        pending.append(first)
      case .assertion(let assertion):
        if holds(assertion, at: position, text) { pending.append(pc + 1) }
      case .scalars, .match: threads.list.append((pc, start))
      }
    }
  }

  private func holds(_ assertion: PatternNode.Assertion, at position: Int, _ text: [Unicode.Scalar]) -> Bool {
    func isWord(_ index: Int) -> Bool {
      text.indices.contains(index) && CharacterClass.ranges(CharacterClass.word).contains(text[index])
    }
    switch assertion {
    case .textStart: return position == 0
    case .textEnd: return position == text.count
    case .lineStart: return position == 0 || text[position - 1] == "\n"
    case .lineEnd: return position == text.count || text[position] == "\n"
    case .wordBoundary: return isWord(position - 1) != isWord(position)
    case .noWordBoundary: return isWord(position - 1) == isWord(position)
    }
  }
}
