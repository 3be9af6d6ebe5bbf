import Foundation
import KubernetesModels
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

/// The shell programs that pods run are programs at all, and do what their comments say where that needs no database.
struct ShellScriptTests {
  private func run(
    _ script: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) async throws -> (status: Int32, output: String) {
    let result = try await runProgram("/bin/bash", arguments + ["-c", script], environment: environment)
    return (result.status, result.output)
  }

  @Test(arguments: [DumpScript.text, PatroniConfiguration.postBootstrap])
  func isValidShell(_ script: String) async throws {
    let (status, output) = try await run(script, ["-n"])
    #expect(status == 0, "\(output)")
  }

  /// The start script with a stand-in for redis-server that prints what it is given.
  @Test(arguments: ["plain", #"with "quotes" and \backslash"#, "$HOME `id` $(id)"])
  func redisGetsItsPasswordWhateverItHolds(_ password: String) async throws {
    let objects = RedisObjects(platform: SamplePlatforms.plain(), checksum: "")
    let script = try #require(objects.deployment.spec?.template.spec?.containers.first?.command?.last)
    let folder = FileManager.default.temporaryDirectory.appending(path: "rtx-redis-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let standIn = folder.appending(path: "redis-server")
    try "#!/bin/sh\necho \"arguments: $*\"\ncat\n".write(to: standIn, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: standIn.path)
    let path = "\(folder.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
    let (status, output) = try await run(script, environment: ["REDIS_PASSWORD": password, "PATH": path])
    #expect(status == 0)
    let escaped = password.replacing(#"\"#, with: #"\\"#).replacing(#"""#, with: #"\""#)
    #expect(output.contains("requirepass \"\(escaped)\"\n"), "\(output)")
    #expect(output.contains("arguments: -\n"))
    #expect(output.contains("appendonly yes\n"))
  }
}
