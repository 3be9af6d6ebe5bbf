/// A Job, or a test, that a release waits for.
enum TaskState: Sendable, Hashable {
  case notStarted, running, succeeded
  case failed(String)
}

/// How the new colour does under the clients' requests.
enum WatchVerdict: Sendable, Hashable {
  case healthy
  /// There are no figures, for the reason that is given.
  case unknown(String)
  case failed(String)
}

/// Everything that decides about a release, read at one moment.
struct ReleaseObservation: Sendable, Hashable {
  /// The revision that the spec asks for.
  var target: String
  /// Its image, for people.
  var image: String?
  var live: LiveSelection
  /// Whether the live Service's endpoints are exactly the ready pods that its selector means.
  var isSettled = true
  /// Those that exist.
  var colours: [Colour: ColourState] = [:]
  var backup = TaskState.notStarted
  var expand = TaskState.notStarted
  var contract = TaskState.notStarted
  var smokeTests = TaskState.notStarted
  var verdict = WatchVerdict.unknown("nobody has looked")
  /// Why two colours cannot be run at all, for example a quota; nil where nothing is known.
  var obstacle: String?
  /// Whether a freeze window forbids switching now.
  var isFrozen = false
  var wish: ReleaseWish?

  func isServing(_ colour: Colour?) -> Bool { colour.flatMap { colours[$0] }?.isServing == true }

  func isComplete(_ colour: Colour?, _ revision: String?) -> Bool {
    guard let state = colour.flatMap({ colours[$0] }) else { return false }
    return state.health == .complete && state.revision == revision
  }

  /// Whether requests have somewhere to go.
  var someoneServes: Bool {
    switch live {
    case .colour(let colour): isServing(colour)
    case .all: colours.values.contains(where: \.isServing)
    case .absent, .foreign: false
    }
  }
}
