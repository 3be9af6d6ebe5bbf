import NIOCore
import NIOWebSocket

/// Tells the clients of one event loop about prices; belongs to that loop.
///
/// An update is shown in portions, so that ten thousand clients do not keep the loop from its other work.
///
/// A frame is written once for everyone who follows the same instruments: a server's frames are not masked, so the same
/// bytes serve every connection. A client that takes nothing at the moment is
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
    let frame: ByteBuffer
    /// What those were told last who have missed nothing.
    let previous: Int64
    /// From the last to the first: who leaves is replaced by the last, who has been told already.
    var rest: Int
  }

  private var rounds: [Round] = []
  /// Counts the updates.
  private var version: Int64 = 0
  /// What all messages of one version share: `"priceSequence":N,"time":"…","prices":[`.
  private var opening = ByteBuffer()
  private var shown: [Shown?]
  private var cohorts: [[Int]: QuoteCohort] = [:]
  private let allocator = ByteBufferAllocator()

  init(instruments: Int) { shown = Array(repeating: nil, count: instruments) }

  /// Makes new prices known; `proceed` tells them to those who follow them.
  func show(_ update: QuoteUpdate) {
    version += 1
    opening = ByteBuffer(string: "\"priceSequence\":\(update.sequence),\"time\":\"\(update.time)\",\"prices\":[")
    for (place, json) in update.quotes.enumerated() {
      if let json { shown[place] = Shown(version: version, json: json) }
    }
    for cohort in cohorts.values {
      guard let frame = frame("tick", cohort.instruments, after: version - 1, number: cohort.number + 1) else {
        continue
      }
      rounds.append(Round(cohort: cohort, frame: frame, previous: cohort.version, rest: cohort.members.count))
      cohort.version = version
      cohort.number += 1
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
    let frame =
      if let known = follower.place.version {
        frame("tick", cohort.instruments, after: known, number: cohort.number)
      } else {
        snapshot(of: cohort)
      }
    guard let frame else { return }
    follower.place.version = cohort.version
    follower.sendQuotes(frame)
  }

  private func send(_ round: Round, to members: ArraySlice<any QuoteFollower>) {
    for member in members where member.takesQuotes {
      if member.place.version == round.previous {
        member.place.version = version
        member.sendQuotes(round.frame)
      } else {
        bringUpToDate(member)
      }
    }
  }

  private func snapshot(of cohort: QuoteCohort) -> ByteBuffer? {
    if let snapshot = cohort.snapshot, snapshot.version == version { return snapshot.frame }
    guard let frame = frame("snapshot", cohort.instruments, after: 0, number: cohort.number) else { return nil }
    cohort.snapshot = (version, frame)
    return frame
  }

  /// The prices among `instruments` that changed after the version `known`; nil when there are none.
  private func frame(_ type: StaticString, _ instruments: [Int], after known: Int64, number: Int64) -> ByteBuffer? {
    let news = instruments.compactMap { shown[$0] }.filter { $0.version > known }
    guard !news.isEmpty else { return nil }
    let beginning = "{\"type\":\"\(type)\",\"sequence\":\(number),"
    let end = "]}"
    let length = news.reduce(
      beginning.utf8.count + opening.readableBytes + (news.count - 1) + end.utf8.count
    ) { $0 + $1.json.readableBytes }
    var frame = allocator.buffer(capacity: ByteBuffer.maximumFrameHead + length)
    frame.writeFrameHead(.text, length: length)
    frame.writeString(beginning)
    frame.writeImmutableBuffer(opening)
    for (index, quote) in news.enumerated() {
      if index > 0 { frame.writeInteger(UInt8(ascii: ",")) }
      frame.writeImmutableBuffer(quote.json)
    }
    frame.writeString(end)
    return frame
  }
}
