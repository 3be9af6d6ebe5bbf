/// One line of a `/metrics` page.
struct PrometheusSample: Sendable, Hashable {
  var name: String
  var labels: [String: String]
  var value: Double
}

/// Reads the Prometheus text format, version 0.0.4. Lines that are no samples are passed over: a page that ends in the
/// middle still says what it said before.
enum PrometheusText {
  static func samples(in text: String, where isWanted: (Substring) -> Bool = { _ in true }) -> [PrometheusSample] {
    text.split(whereSeparator: \.isNewline).compactMap { line in
      guard let first = line.first, first != "#" else { return nil }
      let name = line.prefix { $0 != "{" && !$0.isWhitespace }
      guard isWanted(name) else { return nil }
      return sample(String(name), line.dropFirst(name.count))
    }
  }

  private static func sample(_ name: String, _ rest: Substring) -> PrometheusSample? {
    var rest = rest
    var labels: [String: String] = [:]
    if rest.first == "{" {
      rest.removeFirst()
      while let next = rest.first, next != "}" {
        guard let label = label(&rest) else { return nil }
        labels[label.name] = label.value
        if rest.first == "," { rest.removeFirst() }
      }
      guard rest.popFirst() == "}" else { return nil }
    }
    // A timestamp may follow.
    guard let number = rest.split(whereSeparator: \.isWhitespace).first, let value = value(number) else { return nil }
    return PrometheusSample(name: name, labels: labels, value: value)
  }

  /// `name="value"`, with `\\`, `\"` and `\n` in the value.
  private static func label(_ rest: inout Substring) -> (name: String, value: String)? {
    let name = rest.prefix { $0 != "=" }
    rest.removeFirst(name.count)
    guard rest.popFirst() == "=", rest.popFirst() == "\"" else { return nil }
    var value = ""
    while let next = rest.popFirst() {
      switch next {
      case "\"": return (name.filter { !$0.isWhitespace }, value)
      case "\\":
        guard let escaped = rest.popFirst() else { return nil }
        value.append(escaped == "n" ? "\n" : escaped)
      default: value.append(next)
      }
    }
    return nil
  }

  /// As this format and the HTTP API write numbers.
  static func value(_ text: Substring) -> Double? {
    switch text {
    case "+Inf", "Inf": .infinity
    case "-Inf": -.infinity
    default: Double(text)
    }
  }
}
