/// A value of the environment that cannot be used, and what to do about it.
public struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
  /// The environment key.
  public let key: String
  public let message: String
  public let remedy: String

  public init(key: String, message: String, remedy: String) {
    self.key = key
    self.message = message
    self.remedy = remedy
  }

  public var description: String { "\(key): \(message); \(remedy)" }
}

/// Everything that is wrong with the environment, all at once.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  public let problems: [ConfigurationProblem]

  public init(problems: [ConfigurationProblem]) { self.problems = problems }

  public var description: String { problems.map(\.description).joined(separator: "\n") }
}
