import TradingStore

/// Reads keys of the environment and remembers everything that is wrong with them.
struct EnvironmentReader {
  private let environment: [String: String]
  private(set) var problems: [ConfigurationProblem] = []

  init(_ environment: [String: String]) { self.environment = environment }

  /// An empty value counts as absent: manifests often carry keys with nothing in them.
  private func value(_ key: String) -> String? {
    environment[key].flatMap { $0.isEmpty ? nil : $0 }
  }

  mutating func report(_ key: String, _ message: String, remedy: String) {
    problems.append(ConfigurationProblem(key: key, message: message, remedy: remedy))
  }

  func hasProblem(_ key: String) -> Bool { problems.contains { $0.key == key } }

  mutating func text(_ key: String, default fallback: String) -> String { value(key) ?? fallback }

  mutating func required(_ key: String, remedy: String) -> String {
    if let text = value(key) { return text }
    report(key, "is not set", remedy: remedy)
    return ""
  }

  mutating func integer(_ key: String, default fallback: Int, in range: ClosedRange<Int>) -> Int {
    guard let text = value(key) else { return fallback }
    if let number = Int(text), range.contains(number) { return number }
    report(
      key, "\"\(text)\" is not usable", remedy: "use a whole number from \(range.lowerBound) to \(range.upperBound)")
    return fallback
  }

  mutating func choice<Value: RawRepresentable & CaseIterable>(_ key: String, default fallback: Value) -> Value
  where Value.RawValue == String {
    guard let text = value(key) else { return fallback }
    if let choice = Value(rawValue: text) { return choice }
    let choices = Value.allCases.map(\.rawValue).joined(separator: ", ")
    report(key, "\"\(text)\" is not known", remedy: "use one of \(choices)")
    return fallback
  }

  /// A secret, which no message repeats. The placeholders of the sample manifests are refused.
  mutating func secret(_ key: String) -> Secret? {
    guard let text = value(key) else { return nil }
    if text.hasPrefix("REPLACE_WITH_") {
      report(
        key, "still holds the placeholder of the sample manifest", remedy: "set the real value, or leave the key out")
    }
    return Secret(text)
  }
}
