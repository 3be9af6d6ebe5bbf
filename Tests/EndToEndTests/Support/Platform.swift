import Foundation
import Testing

/// The sample platform `trading` in `rtx-trading`, seen as its users see it: kubectl and HTTP.
struct Platform: Sendable {
  let cluster: TestCluster
  let namespace = "rtx-trading"
  let name = "trading"

  /// The shared cluster's platform, Ready.
  static func ready() async throws -> Platform {
    let platform = Platform(cluster: try await SharedClusters.shared.podman())
    try await platform.cluster.run(
      "-n", platform.namespace, "wait", "--for=condition=Ready", "rtx/\(platform.name)", "--timeout=240s",
      limit: .seconds(250))
    return platform
  }

  func jsonPath(_ kind: String, _ path: String, _ more: String...) async throws -> String {
    let arguments = ["-n", namespace, "get", kind, "-o", "jsonpath=\(path)"] + more
    let result = await Shell.run("kubectl", arguments, environment: cluster.environment)
    guard result.succeeded else { throw CommandFailure(text: result.everything) }
    return result.output
  }

  func primary() async throws -> String { try await jsonPath("rtx/\(name)", "{.status.postgres.primary}") }

  func serviceAddress(_ service: String) async throws -> String {
    try await jsonPath("svc/\(service)", "{.spec.clusterIP}")
  }

  /// SQL through the `-rw` Service, as the application would connect: from a pod of the database, by password.
  func sql(_ statement: String, service: String = "trading-postgres-rw", from pod: String) async throws -> String {
    let script = """
      PGCONNECT_TIMEOUT=3 PGPASSWORD="$PATRONI_SUPERUSER_PASSWORD" exec psql -h \(service) -U postgres -d trading_engine \
      -v ON_ERROR_STOP=1 -Atc "\(statement)"
      """
    let result = await cluster.kubectl(
      "-n", namespace, "exec", pod, "-c", "postgres", "--", "sh", "-c", script, limit: .seconds(20))
    guard result.succeeded else { throw CommandFailure(text: result.everything) }
    return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// One HTTP request through the backend Service.
  func http(_ path: String, body: String? = nil, limit: Duration = .seconds(10)) async throws -> (
    status: Int, body: String
  ) {
    let address = try await serviceAddress("trading-backend")
    return await Self.http("http://\(address)\(path)", body: body, limit: limit)
  }

  static func http(_ url: String, body: String? = nil, limit: Duration = .seconds(10)) async -> (
    status: Int, body: String
  ) {
    var arguments = ["-sS", "-m", "\(limit.components.seconds)", "-w", "\n%{http_code}", url]
    if let body { arguments += ["-H", "Content-Type: application/json", "-d", body] }
    let result = await Shell.run("curl", arguments, limit: limit + .seconds(5))
    var lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
    let status = Int(lines.popLast() ?? "") ?? 0
    return (status, lines.joined(separator: "\n"))
  }

  static func order(_ id: String) -> String {
    // Both sides in turn, so that the account's margin lasts however long a test trades.
    let side = id.utf8.reduce(0) { $0 &+ Int($1) }.isMultiple(of: 2) ? "buy" : "sell"
    return #"{"clientOrderId":"\#(id)","symbol":"EURUSD","side":"\#(side)","type":"market","volume":"0.01"}"#
  }
}

struct CommandFailure: Error, CustomStringConvertible {
  var text: String
  var description: String { text }
}
