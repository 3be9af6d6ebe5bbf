import KubernetesModels

/// Where a release is (the platform's `status.rollout.step`).
enum ReleaseStep: String, Sendable, Hashable, CaseIterable {
  case idle = "Idle"
  /// A backup, then the migrations that the release before can live with.
  case preparing = "Preparing"
  case deploying = "Deploying"
  case testing = "Testing"
  /// For a person, or for the end of a freeze window.
  case awaitingApproval = "AwaitingApproval"
  case switching = "Switching"
  case watching = "Watching"
  /// The old colour sends its clients away, and is still there for an instant way back.
  case draining = "Draining"
  /// No way back: the old colour goes, then the contract migrations run.
  case retiring = "Retiring"
  case rollingBack = "RollingBack"
}

/// How a release ended.
enum ReleaseOutcome: String, Sendable, Hashable {
  case succeeded = "Succeeded"
  case failed = "Failed"
  /// By a wish, before the switch.
  case aborted = "Aborted"
  /// By a wish or by the spec going back, after the switch.
  case rolledBack = "RolledBack"
  /// The spec asked for something newer in the middle.
  case superseded = "Superseded"
}

/// A release that has ended.
struct ReleaseRecord: Sendable, Hashable {
  var revision: String
  var image: String?
  var colour: Colour
  var startedAt: Timestamp
  var endedAt: Timestamp
  var outcome: ReleaseOutcome
  var reason: String
  /// Who approved it, as the API server recorded the write.
  var approver: String?
}

/// The state of blue-green releases: all of it lives in the platform's status, so that the operator may die at any point.
///
/// It never says what is live; the live Service does (``LiveSelection``). It says what is to become of it.
struct Release: Sendable, Hashable {
  /// Why the release goes back, told when it has.
  struct Ending: Sendable, Hashable {
    var outcome: ReleaseOutcome
    var reason: String
  }

  /// A revision that is not tried again until the spec names another, or a retry is wished for.
  struct Failure: Sendable, Hashable {
    var revision: String
    var reason: String
  }

  /// How many ended releases are remembered.
  static let historyLimit = 10

  var step = ReleaseStep.idle
  /// When the step began.
  var since: Timestamp
  /// The colour that a failure falls back to; nil before the first release.
  var stable: Colour?
  var stableRevision: String?
  /// The colour that the release goes to; nil while there is none, and once there is no way back.
  var candidate: Colour?
  /// What is being released.
  var revision: String?
  var image: String?
  var startedAt: Timestamp?
  /// Counts releases and repeated migrations: the names of their Jobs end in it, so that none is mistaken for another.
  var attempt = 0
  var approver: String?
  var ending: Ending?
  var failure: Failure?
  /// The last wish that was dealt with, by ``ReleaseWish/token``.
  var handledWish: String?
  /// Newest first.
  var history: [ReleaseRecord] = []

  init(since: Timestamp) { self.since = since }
}

/// What a person asked for by annotating the platform.
struct ReleaseWish: Sendable, Hashable {
  enum Verb: String, Sendable, CaseIterable {
    case approve, abort, rollback, retry
    /// Ends the wait that the step is in: tests, a freeze window, the watch, the time for the way back.
    case skip
    /// Nothing goes forward while this stands; going back stays possible.
    case pause
  }

  var verb: Verb
  /// The revision that is meant; a wish about another one is ignored.
  var revision: String
  /// The user of the write, as the API server recorded it.
  var author: String?
  /// Tells this wish from the same words written at another time.
  var token: String
}

/// What releases are to be like (`spec.rollout`).
struct ReleasePolicy: Sendable, Hashable {
  var autoPromote = true
  var watch: Duration = .seconds(300)
  /// How long the old colour stays for an instant way back, after the watch.
  var scaleDownDelay: Duration = .seconds(30)
  /// From a colour's Deployment to its last ready pod.
  var progressDeadline: Duration = .seconds(900)
  /// Before a first release, or a contract migration, is tried again: nothing can be gone back to.
  var retryDelay: Duration = .seconds(60)
}
