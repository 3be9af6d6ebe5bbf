import NIOCore

/// Tells the clients of one event loop about prices; belongs to that loop.
///
/// An update is shown in portions, so that ten thousand clients do not keep the loop from its other work.
///
/// A message is written once for everyone who follows the same instruments. A client that takes nothing at the moment is
/// passed over and remembered by one number, the version that it was told last; when it takes messages again it gets the
/// newest price of each symbol that changed since, so nothing ever queues up for it.
final class QuoteFanOut {
  private struct Shown {
    let version: Int64
    let json: ByteBuffer
  }

  /// A message on its way through a cohort.
  private struct Round {
    let cohort: QuoteCohort
    let message: NumberedMessage
    /// What those were told last who have missed nothing.
    let previous: Int64
    /// From the last to the first: who leaves is replaced by the last, who has been told already.
    var rest: Int
  }

  private var rounds: [Round] = []
  /// Counts the updates.
  private var version: Int64 = 0
  /// What all messages of one version share: `,"priceSequence":N,"time":"…","prices":[`.
  private var opening = ByteBuffer()
  private var shown: [Shown?]
  private var cohorts: [[Int]: QuoteCohort] = [:]
  private let allocator = ByteBufferAllocator()

  init(instruments: Int) { shown = Array(repeating: nil, count: instruments) }

  /// Makes new prices known; `proceed` tells them to those who follow them.
  func show(_ update: QuoteUpdate) {
    version += 1
    opening = ByteBuffer(string: ",\"priceSequence\":\(update.sequence),\"time\":\"\(update.time)\",\"prices\":[")
    for (place, json) in update.quotes.enumerated() {
      if let json { shown[place] = Shown(version: version, json: json) }
    }
    for cohort in cohorts.values {
      guard let tail = tail(cohort.instruments, after: version - 1) else { continue }
      rounds.append(
        Round(
          cohort: cohort, message: NumberedMessage(.tick, tail: tail), previous: cohort.version,
          rest: cohort.members.count))
      cohort.version = version
    }
  }

  /// Sends to at most `limit` followers; true while there is more to do. The next update is shown when there is not.
  func proceed(limit: Int) -> Bool {
    var limit = limit
    while limit > 0, var round = rounds.popLast() {
      let end = min(round.rest, round.cohort.members.count)
      let start = max(0, end - limit)
      limit -= end - start
      send(round, to: round.cohort.members[start..<end])
      round.rest = start
      if start > 0 { rounds.append(round) }
    }
    return !rounds.isEmpty
  }

  /// Puts `follower` among those who follow `instruments`; with a fresh look at all of them, if there is any to have.
  func follow(_ follower: any QuoteFollower, _ instruments: [Int], freshLook: Bool) {
    if let old = follower.place.cohort, old.instruments != instruments { leave(follower) }
    guard !instruments.isEmpty else { return }
    let cohort =
      cohorts[instruments]
      ?? {
        let cohort = QuoteCohort(instruments, version: version)
        cohorts[instruments] = cohort
        return cohort
      }()
    if follower.place.cohort == nil { cohort.add(follower) }
    if freshLook { follower.place.version = nil }
    bringUpToDate(follower)
  }

  func leave(_ follower: any QuoteFollower) {
    guard let cohort = follower.place.cohort else { return }
    cohort.remove(follower)
    if cohort.members.isEmpty { cohorts[cohort.instruments] = nil }
  }

  /// Tells what the follower has missed, as soon as it takes messages.
  func bringUpToDate(_ follower: any QuoteFollower) {
    guard let cohort = follower.place.cohort, follower.takesQuotes else { return }
    let message: NumberedMessage?
    if let known = follower.place.version {
      message = tail(cohort.instruments, after: known).map { NumberedMessage(.tick, tail: $0) }
    } else {
      message = snapshot(of: cohort)
    }
    guard let message else { return }
    follower.place.version = cohort.version
    follower.sendQuotes(message.head(number: follower.numberQuotes()), message.tail)
  }

  private func send(_ round: Round, to members: ArraySlice<any QuoteFollower>) {
    let message = round.message
    // All heads lie in one buffer; it is not written to once parts of it are given away.
    var heads = allocator.buffer(capacity: members.count * NumberedMessage.maximumHead)
    var lengths: [(member: any QuoteFollower, head: Int)] = []
    lengths.reserveCapacity(members.count)
    var late: [any QuoteFollower] = []
    for member in members where member.takesQuotes {
      guard member.place.version == round.previous else {
        late.append(member)
        continue
      }
      member.place.version = version
      let start = heads.writerIndex
      message.writeHead(number: member.numberQuotes(), to: &heads)
      lengths.append((member, heads.writerIndex - start))
    }
    for (member, length) in lengths {
      if let head = heads.readSlice(length: length) { member.sendQuotes(head, message.tail) }
    }
    for member in late { bringUpToDate(member) }
  }

  private func snapshot(of cohort: QuoteCohort) -> NumberedMessage? {
    if let snapshot = cohort.snapshot, snapshot.version == version { return snapshot.message }
    guard let tail = tail(cohort.instruments, after: 0) else { return nil }
    let message = NumberedMessage(.snapshot, tail: tail)
    cohort.snapshot = (version, message)
    return message
  }

  /// The prices among `instruments` that changed after the version `known`; nil when there are none.
  private func tail(_ instruments: [Int], after known: Int64) -> ByteBuffer? {
    let news = instruments.compactMap { shown[$0] }.filter { $0.version > known }
    guard !news.isEmpty else { return nil }
    var tail = allocator.buffer(
      capacity: opening.readableBytes + news.reduce(4) { $0 + $1.json.readableBytes + 1 })
    tail.writeImmutableBuffer(opening)
    for (index, quote) in news.enumerated() {
      if index > 0 { tail.writeInteger(UInt8(ascii: ",")) }
      tail.writeImmutableBuffer(quote.json)
    }
    tail.writeString("]}")
    return tail
  }
}
