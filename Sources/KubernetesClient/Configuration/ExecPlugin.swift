import FoundationEssentials
import KubernetesModels
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// A program that hands out credentials (Kubernetes: "client-go credential plugins", client.authentication.k8s.io/v1).
public struct ExecPlugin: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The program: a path, or a name to look up in `PATH`.
  public var command: String
  /// Its arguments.
  public var arguments: [String]
  /// What to add to the environment.
  public var environment: [String: String]
  /// The version of ExecCredential that it speaks.
  public var apiVersion: String
  /// What it reads in `KUBERNETES_EXEC_INFO`, serialized.
  public var execInfo: String
  /// How to get the program, where the kubeconfig says so.
  public var installHint: String?
  /// The kubeconfig and the place in it, for messages.
  public var file: String
  /// See `file`.
  public var place: String

  /// The program alone: arguments and environment may hold secrets.
  public var description: String { "exec plugin \(command)" }
  public var debugDescription: String { description }

  /// The time that the program gets.
  static let timeLimit: Duration = .seconds(60)

  init(_ user: Kubeconfig.Fields, cluster: ClusterConfiguration, _ fields: Kubeconfig.Fields) throws {
    let exec = Kubeconfig.Fields(
      entry: .init(value: user.entry.value["exec"] ?? [:], file: user.entry.file), place: user.place + ".exec")
    let versions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]
    let apiVersion = try exec.required("apiVersion", remedy: "write \(versions[0])")
    guard versions.contains(apiVersion) else {
      throw exec.error("apiVersion", "\(apiVersion) is unknown", "use a plugin that speaks \(versions[0])")
    }
    if exec.text("interactiveMode") == "Always" {
      throw exec.error("interactiveMode", "Always asks for a terminal, and there is none", "use IfAvailable or Never")
    }
    var command = try exec.required("command", remedy: "name the plugin's program")
    if command.contains("/") { command = exec.resolved(command) }
    self.command = command
    self.apiVersion = apiVersion
    arguments = (exec.entry.value["args"]?.arrayValue ?? []).compactMap { $0.stringValue }
    environment = [:]
    for item in exec.entry.value["env"]?.arrayValue ?? [] {
      if let name = item["name"]?.stringValue { environment[name] = item["value"]?.stringValue ?? "" }
    }
    installHint = exec.text("installHint")
    file = user.entry.file
    place = exec.place
    var info: JSONValue = ["apiVersion": .string(apiVersion), "kind": "ExecCredential", "spec": ["interactive": false]]
    if exec.entry.value["provideClusterInfo"]?.boolValue == true {
      info.set(Self.clusterInfo(cluster, fields), at: ["spec", "cluster"])
    }
    execInfo = info.serializedString()
  }

  private static func clusterInfo(_ cluster: ClusterConfiguration, _ fields: Kubeconfig.Fields) -> JSONValue {
    var info: JSONValue = ["server": .string(cluster.server)]
    if let authority = cluster.certificateAuthority {
      info["certificate-authority-data"] = .string(Data(authority).base64EncodedString())
    }
    if let name = cluster.tlsServerName { info["tls-server-name"] = .string(name) }
    if !cluster.verifiesServer { info["insecure-skip-tls-verify"] = true }
    if let proxy = cluster.proxyURL { info["proxy-url"] = .string(proxy) }
    // What the kubeconfig keeps for plugins stands in an extension of this reserved name.
    let extensions = fields.entry.value["extensions"]?.arrayValue ?? []
    let own = extensions.first { $0["name"]?.stringValue == "client.authentication.k8s.io/exec" }
    if let config = own?["extension"] { info["config"] = config }
    return info
  }
}

extension ExecPlugin {
  /// What the program handed out.
  struct Credential: Sendable {
    var token: String?
    var certificate: Credentials.Certificate?
    /// `nil`: good until the server refuses it.
    var expiration: Date?
  }

  /// Runs the program.
  /// - Throws: ``ConfigurationError`` with what the program said on its standard error.
  func run() async throws -> Credential {
    var changes: [Environment.Key: String?] = [:]
    for (name, value) in environment { changes[Environment.Key(stringLiteral: name)] = value }
    changes["KUBERNETES_EXEC_INFO"] = execInfo
    let executable: Executable = command.contains("/") ? .path(FilePath(command)) : .name(command)
    let child = Environment.inherit.updating(changes)
    let output: String
    do {
      output = try await withTimeout(Self.timeLimit, or: .timeout("\(command) took longer than \(Self.timeLimit)")) {
        let result = try await Subprocess.run(
          executable, arguments: Arguments(arguments), environment: child, output: .string(limit: 1 << 20),
          error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
          let said = ConfigurationFile.trimmedText(Array(result.standardError.utf8.suffix(500)))
          throw failure("\(command) failed (\(result.terminationStatus)): \(said)", "run it by hand")
        }
        return result.standardOutput
      }
    } catch let error as SubprocessError {
      throw failure("\(command) cannot be run (\(error))", installHint ?? "install it, or correct `command`")
    }
    return try parse(output)
  }

  /// Reads the ExecCredential. Nothing of the output gets into messages: it holds secrets.
  func parse(_ output: String) throws -> Credential {
    let remedy = "use a plugin that prints an ExecCredential of \(apiVersion)"
    guard let root = try? JSONValue(parsing: output), root["kind"]?.stringValue == "ExecCredential" else {
      throw failure("\(command) printed no ExecCredential", remedy)
    }
    guard root["apiVersion"]?.stringValue == apiVersion else {
      throw failure("\(command) printed \(root["apiVersion"]?.stringValue ?? "no version")", remedy)
    }
    let status = root["status"]
    var credential = Credential(token: status?["token"]?.stringValue)
    if let chain = status?["clientCertificateData"]?.stringValue, let key = status?["clientKeyData"]?.stringValue {
      credential.certificate = Credentials.Certificate(chain: Array(chain.utf8), key: Array(key.utf8))
    }
    guard credential.token != nil || credential.certificate != nil else {
      throw failure("\(command) printed neither token nor certificate", remedy)
    }
    if let text = status?["expirationTimestamp"]?.stringValue {
      guard let date = try? Date(text, strategy: .iso8601) else {
        throw failure("\(command) printed the expirationTimestamp \(text), which is no RFC 3339 time", remedy)
      }
      credential.expiration = date
    }
    return credential
  }

  private func failure(_ problem: String, _ remedy: String) -> ConfigurationError {
    ConfigurationError(file: file, field: place, problem: problem, remedy: remedy)
  }
}
