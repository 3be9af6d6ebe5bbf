/// A cron expression as the CronJob controller reads it (Kubernetes: "CronJob", schedule syntax): five fields, or one of
/// the `@` words.
public struct CronSchedule: Sendable, Hashable {
  /// What is wrong with an expression, as the end of a sentence.
  public struct Failure: Error, Sendable, Hashable {
    public var problem: String
  }

  private struct Field {
    var name: String
    var range: ClosedRange<Int>
    var words: [String] = []
  }

  private static let fields = [
    Field(name: "minute", range: 0...59), Field(name: "hour", range: 0...23),
    Field(name: "day of month", range: 1...31),
    Field(
      name: "month", range: 1...12,
      words: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    Field(name: "day of week", range: 0...6, words: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
  ]
  private static let words: Set<String> = [
    "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
  ]

  public let text: String

  /// - Throws: ``Failure`` that names the field and its bounds.
  public init(_ text: String) throws(Failure) {
    self.text = text
    if Self.words.contains(text) { return }
    let parts = text.split(separator: " ")
    guard parts.count == Self.fields.count else {
      throw Failure(problem: "has \(parts.count) fields instead of 5")
    }
    for (field, part) in zip(Self.fields, parts) {
      for item in part.split(separator: ",", omittingEmptySubsequences: false) { try Self.check(item, field) }
    }
  }

  /// One item of a list: `*`, `?`, `a`, `a-b`, each with an optional `/step`.
  private static func check(_ item: Substring, _ field: Field) throws(Failure) {
    let halves = item.split(separator: "/", omittingEmptySubsequences: false)
    guard halves.count <= 2 else { throw Failure(problem: "has more than one '/' in the \(field.name) '\(item)'") }
    if halves.count == 2 {
      guard let step = Int(halves[1]), step > 0, step <= field.range.upperBound else {
        throw Failure(
          problem: "has the step '\(halves[1])' in the \(field.name), which must be from 1 to \(field.range.upperBound)"
        )
      }
    }
    let base = halves.first ?? ""
    if base == "*" || base == "?" { return }
    let ends = base.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count <= 2 else { throw Failure(problem: "has '\(base)' as \(field.name), which is no range") }
    var values: [Int] = []
    for end in ends { values.append(try value(end, field)) }
    if values.count == 2, values[0] > values[1] {
      throw Failure(problem: "has the \(field.name) range '\(base)' backwards")
    }
  }

  private static func value(_ text: Substring, _ field: Field) throws(Failure) -> Int {
    if let index = field.words.firstIndex(of: text.lowercased()) { return index + field.range.lowerBound }
    guard let value = Int(text), field.range.contains(value) else {
      let range = "\(field.range.lowerBound) to \(field.range.upperBound)"
      throw Failure(problem: "has '\(text)' as \(field.name), which must be from \(range)")
    }
    return value
  }
}
