import OperatorRuntime
import RTXPlatformAPI

/// How a component is, before it becomes a condition in the status.
struct ComponentCondition: Equatable, Sendable {
  enum State: Sendable {
    /// As wanted.
    case available
    /// On its way there, or kept from it by something that passes.
    case progressing
    /// Not before the user acts.
    case stalled
  }

  var state: State
  var reason: ConditionReason
  var message: String

  static func available(_ message: String, _ reason: ConditionReason = .available) -> Self {
    Self(state: .available, reason: reason, message: message)
  }

  static func progressing(_ reason: ConditionReason, _ message: String) -> Self {
    Self(state: .progressing, reason: reason, message: message)
  }

  static func stalled(_ reason: ConditionReason, _ message: String) -> Self {
    Self(state: .stalled, reason: reason, message: message)
  }

  /// What an error means for the component it happened in.
  init(_ error: any Error) {
    switch (error as? any RetryClassifiable)?.disposition ?? .retry() {
    case .stalled(let reason, let message):
      self = .stalled(ConditionReason(rawValue: reason) ?? .refused, message)
    case .waitForChange:
      self = .progressing(.waiting, "\(error)")
    case .retry, .retryGrowing:
      self = .progressing(.retrying, "\(error)")
    }
  }

  init(state: State, reason: ConditionReason, message: String) {
    self.state = state
    self.reason = reason
    self.message = message
  }
}
