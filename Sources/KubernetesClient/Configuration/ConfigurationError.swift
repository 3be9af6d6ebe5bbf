/// Something in a kubeconfig, or in what a pod is given, that cannot be used.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file (or environment variable) it is about.
  public var file: String
  /// The place in the file, e.g. `users[admin].user.client-key`; `nil` when it is the file as a whole.
  public var field: String?
  /// What is wrong.
  public var problem: String
  /// What to do.
  public var remedy: String

  /// Makes an error.
  public init(file: String, field: String? = nil, problem: String, remedy: String) {
    self.file = file
    self.field = field
    self.problem = problem
    self.remedy = remedy
  }

  public var description: String {
    "\(file)\(field.map { ", " + $0 } ?? ""): \(problem); \(remedy)"
  }
}
