/// Finds the function of a name and its arguments; a receiver is the first argument.
enum CELFunctions {
  /// Names that look like a receiver but only group functions.
  static let namespaces: Set<String> = ["optional", "cel", "ip", "cidr", "math", "strings", "format"]

  /// Every function, for refusing unknown ones when a rule is stored.
  static let names: Set<String> = CELConversions.names.union(CELStrings.names).union(CELLists.names)
    .union(CELLibraries.names)

  static func call(_ name: String, isMember: Bool, _ arguments: [CELValue]) throws(CELError) -> CELValue {
    // One call after another: an array of functions with typed throws crashes Swift 6.3's compiler.
    if isMember {
      if let value = try CELStrings.member(name, arguments) { return value }
      if let value = try CELLists.member(name, arguments) { return value }
      if let value = try CELConversions.member(name, arguments) { return value }
      if let value = try CELLibraries.member(name, arguments) { return value }
    } else {
      if let value = try CELConversions.global(name, arguments) { return value }
      if let value = try CELLibraries.global(name, arguments) { return value }
      if let value = try CELStrings.global(name, arguments) { return value }
    }
    let types = arguments.map(\.typeName).joined(separator: ", ")
    throw CELError("no such overload: \(name)(\(types))")
  }

  /// Turns 0-based scalar positions, as the language counts, into a slice of text.
  static func slice(_ text: String, _ start: Int64, _ end: Int64?) throws(CELError) -> String {
    let scalars = Array(text.unicodeScalars)
    let end = end ?? Int64(scalars.count)
    guard start >= 0, start <= end, end <= scalars.count else {
      throw CELError("index out of range: \(start)")
    }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars[Int(start)..<Int(end)])
    return String(view)
  }
}
