import NIOCore

/// A connection as the fan-out of prices sees it.
protocol QuoteFollower: AnyObject {
  var place: CohortPlace { get set }
  /// Whether it takes more; a slow reader does not.
  var takesQuotes: Bool { get }
  /// Sends a whole frame, which may be shared with others.
  func sendQuotes(_ frame: ByteBuffer)
}

/// Where a follower stands.
struct CohortPlace {
  /// Nil for one that follows nothing.
  fileprivate(set) var cohort: QuoteCohort?
  fileprivate(set) var index = 0
  /// The version of the prices that it was told last; nil while it waits for its first look.
  var version: Int64?
}

/// Everyone on one event loop who follows the same instruments.
final class QuoteCohort {
  /// Places in the catalog, ascending.
  let instruments: [Int]
  /// In no particular order.
  private(set) var members: [any QuoteFollower] = []
  /// The newest version that had something for this cohort.
  var version: Int64
  /// Of the last message. All messages that bring a member up to the same version have the same number, so a member that
  /// was passed over sees how many it missed.
  var number: Int64 = 0
  /// The look at everything that newcomers get, and its version.
  var snapshot: (version: Int64, frame: ByteBuffer)?

  init(_ instruments: [Int], version: Int64) {
    self.instruments = instruments
    self.version = version
  }

  func add(_ member: any QuoteFollower) {
    member.place.cohort = self
    member.place.index = members.count
    members.append(member)
  }

  func remove(_ member: any QuoteFollower) {
    let (index, last) = (member.place.index, members.removeLast())
    if index < members.count {
      members[index] = last
      last.place.index = index
    }
    member.place.cohort = nil
  }
}
