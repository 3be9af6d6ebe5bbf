import FoundationEssentials

/// What a node knows of one container of a pod: where it stands, how often it ended, what its probes say.
struct ContainerRecord: Sendable, Equatable {
  /// How a run ended.
  struct Exit: Sendable, Equatable {
    var id: String?
    var exitCode: Int
    /// `Completed`, `Error`, `OOMKilled`, `StartError`, …
    var reason: String
    var message: String?
    var startedAt: Date
    var finishedAt: Date
  }

  /// A process that runs.
  struct Run: Sendable, Equatable {
    var id: String
    var pid: Int32
    var startedAt: Date
    /// The memory cgroup and others are at this path below each controller's mount.
    var cgroupPath = ""
  }

  enum Stage: Sendable, Equatable {
    case notStarted
    /// Cannot start yet; tried again at the given time.
    case waiting(reason: String, message: String, until: Date)
    /// Its image is looked for, or it is being created.
    case starting
    case running(Run)
    case exited(Exit)
  }

  var stage: Stage = .notStarted
  /// Which run this is, from 0; the status shows it as `restartCount`.
  var attempt = 0
  var image: Podman.Image?
  /// How the run before this one ended.
  var previous: Exit?
  var backOff = RestartBackOff()
  var pullBackOff = RestartBackOff()
  /// SIGTERM is on its way; nothing is to be asked of it any more.
  var isStopping = false
  /// The postStart hook is over, and the startup probe, if any, has succeeded.
  var isStarted = false
  /// The readiness probe, if any, says yes.
  var isReady = false
  /// A liveness or startup probe has failed for good, in words.
  var unhealthy: String?

  var run: Run? {
    if case .running(let run) = stage { return run }
    return nil
  }

  var exit: Exit? {
    if case .exited(let exit) = stage { return exit }
    return nil
  }

  /// There is, or is about to be, a process.
  var isActive: Bool {
    switch stage {
    case .running, .starting: true
    case .notStarted, .waiting, .exited: false
    }
  }

  /// Notes the end of a run; probes and hooks are over with it.
  mutating func ended(_ exit: Exit) {
    backOff.failed(at: exit.finishedAt, startedAt: exit.startedAt)
    stage = .exited(exit)
    isStopping = false
    isStarted = false
    isReady = false
    unhealthy = nil
  }

  /// Goes on to the next run.
  mutating func restarting() {
    if case .exited(let exit) = stage {
      previous = exit
      attempt += 1
    }
    stage = .starting
  }
}

/// How long to wait before the next try (Kubernetes: "Pod Lifecycle", container restarts): at once after the first failure,
/// then 10 s, doubled each time up to five minutes; forgotten after ten minutes without failure.
struct RestartBackOff: Sendable, Equatable {
  static let initial: TimeInterval = 10
  static let maximum: TimeInterval = 300
  static let forgottenAfter: TimeInterval = 600

  private(set) var failures = 0
  private(set) var lastFailure: Date?

  mutating func failed(at now: Date, startedAt: Date) {
    if now.timeIntervalSince(startedAt) >= Self.forgottenAfter { failures = 0 }
    failures += 1
    lastFailure = now
  }

  mutating func reset() { self = RestartBackOff() }

  /// Seconds between the last failure and the next try.
  var delay: TimeInterval {
    guard failures > 1 else { return 0 }
    // Five doublings pass the maximum; more would overflow in the end.
    return min(Self.initial * Double(1 << min(failures - 2, 5)), Self.maximum)
  }

  /// When the next try is due; nil when nothing has failed.
  var nextTry: Date? { lastFailure?.addingTimeInterval(delay) }
}
