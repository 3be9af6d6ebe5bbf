import KubernetesModels
import RTXPlatformAPI

/// One platform's status as text. Pure.
struct PlatformReport {
  let platform: RTXPlatform
  let now: Timestamp

  init(_ platform: RTXPlatform, now: Timestamp) {
    self.platform = platform
    self.now = now
  }

  private var status: RTXPlatformStatus { platform.status ?? RTXPlatformStatus() }

  var isReady: Bool { condition("Ready")?.status == "True" }

  var text: String {
    var lines = ["\(platform.namespace)/\(platform.name): \(status.phase ?? "not looked at by an operator yet")"]
    if platform.spec.paused { lines.append("PAUSED: the operator changes nothing (spec.paused)") }
    if let generation = platform.metadata.generation, let seen = status.observedGeneration, seen < generation {
      lines.append("The spec has changed since (generation \(generation), the status speaks of \(seen)).")
    }
    lines.append("")
    lines += conditions
    if let members = status.postgres?.members, !members.isEmpty { lines += [""] + postgres(members) }
    if let backend = status.backend {
      lines += ["", "Trading servers: \(backend.ready ?? "none") ready, image \(backend.image ?? "not running yet")"]
    }
    if let endpoints = status.endpoints?.postgres { lines.append("Database:        \(endpoints)") }
    lines.append("Last dump:       \(status.backup?.lastSuccessfulTime.map(age) ?? "none proven yet")")
    return lines.joined(separator: "\n")
  }

  private func condition(_ type: String) -> Condition? { status.conditions?.first { $0.type == type } }

  /// What is wrong first; `Reconciling` and `Stalled` only when they are so.
  private var conditions: [String] {
    let all = (status.conditions ?? []).filter { condition in
      !["Reconciling", "Stalled"].contains(condition.type) || condition.status == "True"
    }
    let width = all.map(\.type.count).max() ?? 0
    func isBad(_ condition: Condition) -> Bool {
      (condition.status == "True") == ["Reconciling", "Stalled"].contains(condition.type)
    }
    return (all.filter(isBad) + all.filter { !isBad($0) }).map { condition in
      let name = condition.type + String(repeating: " ", count: width - condition.type.count)
      return "\(isBad(condition) ? "✗" : "✓") \(name)  \(condition.message)"
    }
  }

  private func postgres(_ members: [PostgresMemberStatus]) -> [String] {
    let synchronous = Set(status.postgres?.synchronousStandbys ?? [])
    let rows = members.map { member in
      [
        member.name, (member.role ?? "unknown") + (synchronous.contains(member.name) ? " (synchronous)" : ""),
        member.state ?? "unknown", member.timeline.map(String.init) ?? "-", member.ready ? "ready" : "NOT READY",
      ]
    }
    return Columns.aligned([["POSTGRESQL", "ROLE", "STATE", "TIMELINE", ""]] + rows)
  }

  private func age(_ time: Timestamp) -> String {
    let seconds = (now - time).components.seconds
    return switch seconds {
    case ..<120: "\(seconds) s ago"
    case ..<7200: "\(seconds / 60) min ago"
    case ..<172_800: "\(seconds / 3600) h ago"
    default: "\(seconds / 86400) days ago"
    }
  }
}

enum Columns {
  /// Rows of cells as lines, each column as wide as its widest cell.
  static func aligned(_ rows: [[String]]) -> [String] {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "   ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }
}
