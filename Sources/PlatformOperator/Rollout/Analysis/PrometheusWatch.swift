import FoundationEssentials
import KubernetesClient
import KubernetesModels
import RTXPlatformAPI

/// Asks a Prometheus server how a new version does (`spec.rollout.prometheus`).
struct PrometheusWatch: Sendable {
  let spec: RolloutPrometheusSpec
  /// What stands in queries for the new version, by the name within the braces.
  let placeholders: [String: String]
  let token: String?
  let access: any TradingServerAccess

  private static let timeout = Duration.seconds(5)

  /// The first value out of its bounds decides; without one, a query that got no answer keeps the verdict open.
  func verdict() async throws -> WatchVerdict {
    var silence: WatchVerdict?
    for query in spec.queries {
      do {
        let values = try await values(of: query.query)
        if let complaint = Self.complaint(about: values, query) { return .failed(complaint) }
      } catch let error as Unanswered {
        silence = silence ?? .unknown("Prometheus does not answer the query '\(query.name)': \(error.reason)")
      }
    }
    return silence ?? .healthy
  }

  private static func complaint(about values: [Double], _ query: RolloutPrometheusQuerySpec) -> String? {
    for value in values {
      if let maximum = query.maximum, value > maximum {
        return "the query '\(query.name)' gives \(text(value)); the limit is \(text(maximum))"
      }
      if let minimum = query.minimum, value < minimum {
        return "the query '\(query.name)' gives \(text(value)); at least \(text(minimum)) is asked for"
      }
    }
    return nil
  }

  /// Without a fraction where there is none.
  private static func text(_ value: Double) -> String { Int64(exactly: value).map { "\($0)" } ?? "\(value)" }

  // MARK: The HTTP API

  private struct Unanswered: Error {
    let reason: String
  }

  /// An instant query's answer, https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries.
  private struct Answer: Decodable {
    struct Body: Decodable {
      let resultType: String
      let result: JSONValue
    }

    let status: String
    let error: String?
    let data: Body?
  }

  /// Every value that a query finds now, without NaN: the part of nothing in nothing.
  private func values(of query: String) async throws -> [Double] {
    let address = spec.address.hasSuffix("/") ? String(spec.address.dropLast()) : spec.address
    let url = "\(address)/api/v1/query?query=\(PercentEncoding.component(filled(query)))"
    let headers = token.map { ["authorization": "Bearer \($0)"] } ?? [:]
    let answer: HTTPAnswer
    do {
      answer = try await access.send("GET", url, headers: headers, body: nil, timeout: Self.timeout)
    } catch let error as CancellationError {
      throw error
    } catch {
      throw Unanswered(reason: "\(error)")
    }
    // Prometheus explains a refused query in the same form, with a status of 4xx.
    guard let content = try? JSONDecoder().decode(Answer.self, from: Data(answer.body.utf8)) else {
      throw Unanswered(reason: "status \(answer.status), and no answer of Prometheus' API at \(address)")
    }
    guard content.status == "success", let data = content.data else {
      throw Unanswered(reason: content.error ?? "status \(answer.status)")
    }
    switch (data.resultType, data.result) {
    case ("scalar", let sample): return [Self.value(of: sample)].compactMap(\.self)
    case ("vector", .array(let series)):
      return series.compactMap { one in
        guard case .object(let fields) = one, let sample = fields["value"] else { return nil }
        return Self.value(of: sample)
      }
    default:
      throw Unanswered(reason: "it gives a \(data.resultType); write one that gives values of one moment")
    }
  }

  /// Of `[time, "value"]`.
  private static func value(of sample: JSONValue) -> Double? {
    guard case .array(let parts) = sample, parts.count == 2, case .string(let text) = parts[1] else { return nil }
    return PrometheusText.value(text[...]).flatMap { $0.isNaN ? nil : $0 }
  }

  private func filled(_ query: String) -> String {
    placeholders.reduce(query) { $0.replacing("{{\($1.key)}}", with: $1.value) }
  }
}
