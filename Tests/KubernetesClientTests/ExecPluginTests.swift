import Foundation
import KubernetesModels
import Testing

@testable import KubernetesClient

struct ExecPluginTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A kubeconfig whose plugin is this script; `runs` gets a line each time.
  private func source(script: String, extra: String = "") throws -> CredentialSource {
    try folder.write("plugin.sh", "#!/bin/sh\necho run >> \(folder.path)/runs\n" + script, executable: true)
    let file = try folder.write(
      "config",
      """
      current-context: main
      clusters:
      - {name: c, cluster: {server: "https://a:6443", tls-server-name: name}}
      contexts:
      - {name: main, context: {cluster: c, user: u}}
      users:
      - name: u
        user:
          exec:
            apiVersion: client.authentication.k8s.io/v1
            command: ./plugin.sh
            args: [get-token]
            env: [{name: ACCOUNT, value: trader}]
            provideClusterInfo: true
            installHint: install it with care
      \(extra)
      """)
    return try CredentialSource(try ClusterConfiguration.kubeconfig(file).credentials)
  }

  private var runs: Int {
    ((try? String(contentsOfFile: folder.path + "/runs", encoding: .utf8)) ?? "").split(separator: "\n").count
  }

  private static func credential(_ status: String) -> String {
    "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":%s}' \(status)\n"
  }

  @Test func theCredentialIsKeptUntilItExpires() async throws {
    let source = try source(
      script: Self.credential(
        "\"{\\\"token\\\":\\\"$ACCOUNT-$1\\\",\\\"expirationTimestamp\\\":\\\"2099-01-01T00:00:00Z\\\"}\"")
    )
    let tokens = try await withThrowingTaskGroup(of: String?.self) { group in
      for _ in 0..<10 { group.addTask { try await source.current().token } }
      return try await group.reduce(into: [String?]()) { $0.append($1) }
    }
    #expect(Set(tokens) == ["trader-get-token"])
    #expect(runs == 1)
    _ = await source.invalidate()
    _ = try await source.current()
    #expect(runs == 2, "a credential that the server refused is not used again")
  }

  @Test func anExpiredCredentialIsRenewed() async throws {
    let source = try source(
      script: Self.credential("'{\"token\":\"t\",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"}'"))
    _ = try await source.current()
    _ = try await source.current()
    #expect(runs == 2)
  }

  @Test func thePluginLearnsAboutTheCluster() async throws {
    let source = try source(
      script: "printf %s \"$KUBERNETES_EXEC_INFO\" > \(folder.path)/info\n" + Self.credential("'{\"token\":\"t\"}'"))
    _ = try await source.current()
    let info = try JSONValue(parsing: try String(contentsOfFile: folder.path + "/info", encoding: .utf8))
    #expect(info["kind"] == "ExecCredential")
    #expect(info.value(at: ["spec", "interactive"]) == false)
    #expect(info.value(at: ["spec", "cluster", "server"]) == "https://a:6443")
    #expect(info.value(at: ["spec", "cluster", "tls-server-name"]) == "name")
  }

  @Test func aFailureCarriesWhatThePluginSaid() async throws {
    let source = try source(script: "echo session is over >&2\nexit 3")
    await #expect {
      _ = try await source.current()
    } throws: { error in
      let text = "\(error)"
      return error is ConfigurationError && text.contains("session is over") && text.contains("users[u].user.exec")
    }
  }

  @Test func outputNeverGetsIntoMessages() async throws {
    let source = try source(script: "echo '{\"token\": \"s3cret\"}'")
    await #expect {
      _ = try await source.current()
    } throws: { error in
      error is ConfigurationError && !"\(error)".contains("s3cret")
    }
  }

  @Test func aMissingPluginBringsTheInstallHint() async throws {
    let source = try source(script: "")
    try FileManager.default.removeItem(atPath: folder.path + "/plugin.sh")
    await #expect {
      _ = try await source.current()
    } throws: { "\($0)".contains("install it with care") }
  }
}
