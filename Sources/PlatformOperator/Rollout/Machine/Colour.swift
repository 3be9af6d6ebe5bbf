/// One of the Deployments that trading servers run in.
enum Colour: String, Sendable, Hashable, CaseIterable {
  /// The one Deployment of a platform that replaced pod by pod before: live until the first release, never made again.
  case plain
  case blue, green

  /// Where the next release goes while this one serves.
  var other: Colour { self == .blue ? .green : .blue }
}

/// What the live Service's selector says. Whatever anybody remembers, this is what takes the requests.
enum LiveSelection: Sendable, Hashable {
  /// There is no Service.
  case absent
  case colour(Colour)
  /// Every trading server, whatever its colour: as it was before there were colours.
  case all
  /// Nothing that the operator writes.
  case foreign
}

/// A colour's Deployment and pods, as observed.
struct ColourState: Sendable, Hashable {
  enum Health: Sendable, Hashable {
    case starting
    /// Some pods are ready: enough not to be called down, as in the middle of a node's drain.
    case serving
    /// Every pod that is wanted is ready and of this revision.
    case complete
    /// The Deployment is gone or going, and pods are left.
    case stopping
  }

  /// Of the Deployment's pod template.
  var revision: String
  var health: Health
  /// Why it will not start by itself; nil while it may.
  var trouble: String?

  var isServing: Bool { health == .serving || health == .complete }
}
