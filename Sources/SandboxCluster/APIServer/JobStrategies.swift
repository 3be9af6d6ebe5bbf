import FoundationEssentials
import KubernetesModels

struct JobStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    object.change("spec") { Self.applyDefaults(spec: &$0) }
  }

  static func applyDefaults(spec: inout JSONValue) {
    if spec["completions"] == nil, spec["parallelism"] == nil { spec["completions"] = 1 }
    spec.setDefault(1, "parallelism")
    spec.setDefault(6, "backoffLimit")
    spec.setDefault("NonIndexed", "completionMode")
    spec.setDefault(false, "suspend")
    spec.setDefault("TerminatingOrFailed", "podReplacementPolicy")
    spec.change("template") { template in
      template.setDefault([:], "metadata")
      template.change("spec") { PodDefaults.apply(to: &$0) }
    }
  }

  /// The selector is made from the Job's uid, so that no Pod ever belongs to two Jobs.
  func prepareForCreate(_ object: inout JSONValue) {
    guard !object.boolAt("spec", "manualSelector") else { return }
    let uid = JSONValue.string(object.metadataUID)
    object.set(["matchLabels": ["batch.kubernetes.io/controller-uid": uid]], at: ["spec", "selector"])
    var labels = object.mapAt("spec", "template", "metadata", "labels")
    for key in ["controller-uid", "batch.kubernetes.io/controller-uid"] { labels[key] = uid }
    for key in ["job-name", "batch.kubernetes.io/job-name"] { labels[key] = .string(object.metadataName) }
    object.set(.object(labels), at: ["spec", "template", "metadata", "labels"])
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    Self.validate(spec: object["spec"] ?? [:], path: "spec", &found)
    guard let old else { return }
    let immutable = [
      "completions", "selector", "completionMode", "manualSelector", "podFailurePolicy", "backoffLimitPerIndex",
    ]
    for field in immutable where field != "completions" || object.textAt("spec", "completionMode") != "Indexed" {
      found.immutable("spec.\(field)", object.at("spec", field), old.at("spec", field))
    }
    // The template of a Job that never ran may still be told where to run.
    let isWaiting = old.boolAt("spec", "suspend") && old.at("status", "startTime") == nil
    if !isWaiting { found.immutable("spec.template", object.at("spec", "template"), old.at("spec", "template")) }
  }

  static func validate(spec: JSONValue, path: String, _ found: inout FieldFindings) {
    guard let template = spec["template"] else { return found.required("\(path).template") }
    PodRules.validateTemplate(template, path: "\(path).template", &found)
    let restart = template.textAt("spec", "restartPolicy")
    if restart == "Always" || restart == nil {
      found.required("\(path).template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\"")
    }
    for field in ["parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"] {
      found.atLeast("\(path).\(field)", spec[field], 0)
    }
    if spec.textAt("completionMode") == "Indexed", spec["completions"] == nil {
      found.required("\(path).completions", "when completion mode is Indexed")
    }
  }
}

struct CronJobStrategy: ResourceStrategy {
  /// Jobs are named after their CronJob with eleven more characters.
  func nameError(_ name: String) -> String? {
    name.utf8.count > 52 ? "must be no more than 52 characters" : NameRules.subdomainError(name)
  }

  func applyDefaults(_ object: inout JSONValue) {
    object.change("spec") { spec in
      spec.setDefault("Allow", "concurrencyPolicy")
      spec.setDefault(false, "suspend")
      spec.setDefault(3, "successfulJobsHistoryLimit")
      spec.setDefault(1, "failedJobsHistoryLimit")
      // Only the Pod template is defaulted here: the rest comes with each Job.
      spec.change("jobTemplate") { job in
        job.change("spec") { $0.change("template") { $0.change("spec") { PodDefaults.apply(to: &$0) } } }
      }
    }
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    let schedule = object.textAt("spec", "schedule") ?? ""
    if schedule.isEmpty {
      found.required("spec.schedule")
    } else if let why = CronSyntax.problem(schedule) {
      found.invalid("spec.schedule", .string(schedule), why)
    }
    if schedule.contains("TZ") {
      found.invalid(
        "spec.schedule", .string(schedule), "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
    }
    if let zone = object.textAt("spec", "timeZone") {
      if !Self.isTimeZone(zone) { found.invalid("spec.timeZone", .string(zone), "unknown time zone \(zone)") }
    }
    found.oneOf("spec.concurrencyPolicy", object.at("spec", "concurrencyPolicy"), ["Allow", "Forbid", "Replace"])
    for field in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit", "startingDeadlineSeconds"] {
      found.atLeast("spec.\(field)", object.at("spec", field), 0)
    }
    guard let job = object.at("spec", "jobTemplate", "spec") else { return found.required("spec.jobTemplate.spec") }
    JobStrategy.validate(spec: job, path: "spec.jobTemplate.spec", &found)
  }
}

extension CronJobStrategy {
  /// Whether the zone database of this machine knows a zone; without a database every well-formed name passes.
  private static func isTimeZone(_ name: String) -> Bool {
    let isWellFormed = name.utf8.allSatisfy { byte in
      Character(UnicodeScalar(byte)).isLetter || "0123456789+-_/".utf8.contains(byte)
    }
    guard isWellFormed, !name.isEmpty, name != "Local", !name.hasPrefix("/") else { return false }
    let database = "/usr/share/zoneinfo/"
    return !FileManager.default.fileExists(atPath: database + "UTC")
      || FileManager.default.fileExists(atPath: database + name)
  }
}

/// The syntax of cron schedules (robfig/cron standard parser: five fields or a descriptor).
enum CronSyntax {
  private static let fields: [(range: ClosedRange<Int>, names: [String])] = [
    (0...59, []), (0...23, []), (1...31, []),
    (1...12, ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    (0...6, ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
  ]

  private static let descriptors = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"]

  /// Nil for a schedule that can be run, else what is wrong.
  static func problem(_ schedule: String) -> String? {
    if schedule.hasPrefix("@") {
      if descriptors.contains(schedule) || schedule.hasPrefix("@every ") { return nil }
      return "unrecognized descriptor: \(schedule)"
    }
    let parts = schedule.split(separator: " ").map(String.init)
    guard parts.count == fields.count else {
      return "expected exactly 5 fields, found \(parts.count): [\(parts.joined(separator: " "))]"
    }
    for (part, field) in zip(parts, fields) {
      for entry in part.split(separator: ",", omittingEmptySubsequences: false) {
        if let why = problem(String(entry), field.range, field.names) { return why }
      }
    }
    return nil
  }

  private static func problem(_ entry: String, _ range: ClosedRange<Int>, _ names: [String]) -> String? {
    let (span, step) = cut(entry, "/") ?? (entry, "1")
    guard let stride = Int(step), stride > 0 else { return "failed to parse int from \(step): \(entry)" }
    if span == "*" || span == "?" { return nil }
    let (first, last) = cut(span, "-") ?? (span, span)
    func number(_ text: String) -> Int? {
      Int(text) ?? names.firstIndex(of: text.lowercased()).map { $0 + range.lowerBound }
    }
    guard let low = number(first), let high = number(last) else { return "failed to parse int from \(span): \(entry)" }
    if low < range.lowerBound { return "beginning of range (\(low)) below minimum (\(range.lowerBound)): \(entry)" }
    if high > range.upperBound { return "end of range (\(high)) above maximum (\(range.upperBound)): \(entry)" }
    return low > high ? "beginning of range (\(low)) beyond end of range (\(high)): \(entry)" : nil
  }
}
