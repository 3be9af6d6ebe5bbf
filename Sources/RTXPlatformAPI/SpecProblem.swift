/// Something in a platform that the user has to change, with the place and the remedy.
public struct SpecProblem: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where, as in `spec.backup.schedule`.
  public var path: String
  public var problem: String
  public var remedy: String

  public init(_ path: String, _ problem: String, remedy: String) {
    self.path = path
    self.problem = problem
    self.remedy = remedy
  }

  /// `path: problem; remedy`
  public var description: String { "\(path): \(problem); \(remedy)" }
}
