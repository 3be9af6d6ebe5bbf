/// One of the five fields of a cron expression: its bounds, and names where it has them.
struct CronField: Sendable {
  struct Match: Equatable {
    var values: Set<Int>
    /// Written as `*` or `?`: the field restricts nothing.
    var isAny: Bool
  }

  struct FieldError: Error {
    var reason: String
  }

  let name: String
  let range: ClosedRange<Int>
  var names: [String: Int] = [:]

  static let minute = CronField(name: "minute", range: 0...59)
  static let hour = CronField(name: "hour", range: 0...23)
  static let day = CronField(name: "day-of-month", range: 1...31)
  static let month = CronField(
    name: "month", range: 1...12,
    names: numbered(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], from: 1))
  static let weekday = CronField(
    name: "day-of-week", range: 0...6, names: numbered(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], from: 0))

  private static func numbered(_ names: [String], from first: Int) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: names.enumerated().map { ($0.element, $0.offset + first) })
  }

  func parse(_ text: String) throws(FieldError) -> Match {
    var match = Match(values: [], isAny: false)
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = item.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      guard parts.count <= 2, let base = parts.first, !base.isEmpty else { throw error(String(item)) }
      var step = 1
      if parts.count == 2 {
        guard let given = Int(parts[1]), given > 0 else { throw error(String(item)) }
        step = given
      }
      var bounds = range
      if base == "*" || base == "?" {
        if step == 1 { match.isAny = true }
      } else {
        let ends = base.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard ends.count <= 2 else { throw error(String(item)) }
        let low = try value(ends[0])
        let high = try value(ends[ends.count - 1])
        guard low <= high else { throw error(String(item)) }
        // `5/15` means from 5 to the end by 15.
        bounds = low...(ends.count == 1 && parts.count == 2 ? range.upperBound : high)
      }
      match.values.formUnion(stride(from: bounds.lowerBound, through: bounds.upperBound, by: step))
    }
    return match
  }

  private func value(_ text: String) throws(FieldError) -> Int {
    guard let value = names[text.uppercased()] ?? Int(text), range.contains(value) else { throw error(text) }
    return value
  }

  private func error(_ text: String) -> FieldError {
    FieldError(
      reason: "\(name) \"\(text)\" is not a number, range or step within \(range.lowerBound)-\(range.upperBound)")
  }
}
