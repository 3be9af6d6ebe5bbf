/// Names, labels and numbers as the Prometheus text format wants them.
enum MetricName {
  /// Characters outside `[a-zA-Z0-9_:]` become `_`; a leading digit gets one in front.
  static func sanitized(_ name: String, allowColon: Bool = true) -> String {
    var result = ""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "_": result.unicodeScalars.append(scalar)
      case "0"..."9":
        if result.isEmpty { result = "_" }
        result.unicodeScalars.append(scalar)
      case ":" where allowColon: result.unicodeScalars.append(scalar)
      default: result += "_"
      }
    }
    return result.isEmpty ? "_" : result
  }

  /// `a="1",b="2"`, sorted by name.
  static func labels(_ dimensions: [(String, String)]) -> String {
    dimensions
      .map { (sanitized($0.0, allowColon: false), escapedLabelValue($0.1)) }
      .sorted { $0.0 < $1.0 }
      .map { "\($0.0)=\"\($0.1)\"" }
      .joined(separator: ",")
  }

  static func escapedLabelValue(_ value: String) -> String {
    escaped(value, quotes: true)
  }

  static func escapedHelp(_ help: String) -> String {
    escaped(help, quotes: false)
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Whole numbers without a fraction, infinities and not-a-number in the format's spelling.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if let whole = Int64(exactly: value) { return String(whole) }
    return String(value)
  }
}
