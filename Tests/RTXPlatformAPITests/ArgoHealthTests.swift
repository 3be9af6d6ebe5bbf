import Foundation
import KubernetesModels
import Testing

/// The health script for Argo CD (config/gitops/argocd), run by the Lua that Argo CD speaks, 5.1.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/lua5.1"), "needs lua5.1"))
struct ArgoHealthTests {
  static let lua = "/usr/bin/lua5.1"

  struct Case: Sendable, CustomTestStringConvertible {
    var what: String
    var status: JSONValue
    var health: String
    /// Part of what Argo CD shows beside it.
    var message: String
    var isBeingDeleted = false

    var testDescription: String { what }
  }

  private static func conditions(ready: Bool, reconciling: Bool = false, stalled: Bool = false) -> JSONValue {
    let all = [("Ready", ready), ("Reconciling", reconciling), ("Stalled", stalled)]
    return .array(
      all.map { type, holds in
        ["type": .string(type), "status": holds ? "True" : "False", "message": .string("\(type) says so")]
      })
  }

  private static func status(_ phase: String, _ conditions: JSONValue, rollout: JSONValue? = nil) -> JSONValue {
    var status: JSONValue = ["observedGeneration": 3, "phase": .string(phase), "conditions": conditions]
    status["rollout"] = rollout
    return status
  }

  static let cases: [Case] = {
    var cases = [
      Case(what: "new", status: .null, health: "Progressing", message: "not seen"),
      Case(
        what: "changed a moment ago", status: ["observedGeneration": 2, "conditions": conditions(ready: true)],
        health: "Progressing", message: "not seen"),
      Case(
        what: "coming up", status: status("Progressing", conditions(ready: false, reconciling: true)),
        health: "Progressing", message: "Ready says so"),
      Case(
        what: "ready", status: status("Ready", conditions(ready: true), rollout: ["step": "Idle"]), health: "Healthy",
        message: "Ready says so"),
      Case(
        what: "serves with a failed backup", status: status("Degraded", conditions(ready: true)), health: "Healthy",
        message: "Ready says so"),
      Case(
        what: "stalled", status: status("Stalled", conditions(ready: true, stalled: true)), health: "Degraded",
        message: "Stalled says so"),
      Case(
        what: "down, and nobody is at it", status: status("Degraded", conditions(ready: false)), health: "Degraded",
        message: "Ready says so"),
      Case(
        what: "paused", status: status("Paused", conditions(ready: false)), health: "Suspended", message: "spec.paused"),
      Case(
        what: "going", status: status("Deleting", conditions(ready: false, reconciling: true)), health: "Progressing",
        message: "deleted", isBeingDeleted: true),
      Case(
        what: "waits for approval",
        status: status(
          "Ready", conditions(ready: true), rollout: ["step": "AwaitingApproval", "message": "approve x"]),
        health: "Suspended", message: "approve x"),
      Case(
        what: "a refused release",
        status: status(
          "Ready", conditions(ready: true),
          rollout: ["step": "Idle", "failedRevision": "6f9c", "message": "smoke tests: /health answered 500"]),
        health: "Degraded", message: "smoke tests"),
    ]
    for step in ["Preparing", "Deploying", "Testing", "Switching", "Watching", "Draining", "Retiring", "RollingBack"] {
      cases.append(
        Case(
          what: step, status: status("Ready", conditions(ready: true), rollout: ["step": .string(step)]),
          health: "Progressing", message: step))
    }
    return cases
  }()

  @Test(arguments: cases) func tellsArgoHowThePlatformIs(_ example: Case) async throws {
    var metadata: JSONValue = ["name": "trading", "generation": 3]
    if example.isBeingDeleted { metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z" }
    let object: JSONValue = ["metadata": metadata, "status": example.status]
    let program = """
      obj = \(Self.lua(object))
      local result = (function()
      \(try Self.script())
      end)()
      io.write(result.status, "\\n", result.message)
      """
    let output = try await Self.run(program).split(separator: "\n", maxSplits: 1).map(String.init)
    #expect(output.first == example.health)
    #expect(output.last?.contains(example.message) == true, "\(output)")
  }

  private static func script() throws -> String {
    let file = URL(filePath: #filePath).appending(path: "../../../config/gitops/argocd/argocd-cm.yaml").standardized
    let map = try #require(try YAML.parse(String(contentsOf: file, encoding: .utf8)).first)
    return try #require(
      map.value(at: ["data", "resource.customizations.health.rtx.trading_RTXPlatform"])?.stringValue)
  }

  private static func lua(_ value: JSONValue) -> String {
    switch value {
    case .null: "nil"
    case .bool, .integer, .double, .string: value.serializedString()
    case .array(let elements): "{" + elements.map(lua).joined(separator: ", ") + "}"
    case .object(let fields):
      "{" + fields.sorted { $0.key < $1.key }.map { "[\"\($0.key)\"] = \(lua($0.value))" }.joined(separator: ", ") + "}"
    }
  }

  /// Runs a program without holding a thread while it runs.
  private static func run(_ program: String) async throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: lua)
    process.arguments = ["-e", program]
    process.standardOutput = output
    process.standardError = output
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      process.terminationHandler = { _ in continuation.resume() }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    return String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  }
}
