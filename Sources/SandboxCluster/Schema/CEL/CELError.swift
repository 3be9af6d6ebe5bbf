/// Why an expression cannot be compiled or evaluated.
struct CELError: Error, Sendable, Hashable, CustomStringConvertible {
  var message: String
  /// In scalars from the start of the expression; only syntax errors have it.
  var offset: Int?

  init(_ message: String, at offset: Int? = nil) {
    self.message = message
    self.offset = offset
  }

  var description: String { message }

  static func noOverload(_ function: String) -> CELError { CELError("no such overload: \(function)") }
}
