public import TradingCore

/// Why a command was not carried out, or why that is not known.
public enum DeskError: Error, Sendable, Hashable, CustomStringConvertible {
  case unknownAccount(String)
  case accountExists(String)
  /// The account refused the command; nothing was written.
  case command(CommandError)
  /// The evaluator's lease went to another holder; nothing was written.
  case fenced
  /// The database could not be used before the deadline, or refused; nothing was written.
  case unavailable(String)
  /// The connection was lost while the command was being committed, and what became of it could not be looked up before
  /// the deadline. Asking again with the same client order id tells.
  case outcomeUnknown(String)
  /// Too many commands are waiting; nothing was written. Ask again in a moment.
  case busy

  public var description: String {
    switch self {
    case .unknownAccount(let id): "there is no account \(id)"
    case .accountExists(let id): "account \(id) exists already"
    case .command(let error): "the account refused: \(error)"
    case .fenced: "another replica evaluates this shard now"
    case .unavailable(let reason): "nothing was written: \(reason)"
    case .outcomeUnknown(let reason): "not known whether it was written: \(reason)"
    case .busy: "too many commands are waiting"
    }
  }
}
