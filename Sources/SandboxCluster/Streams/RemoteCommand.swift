import KubernetesClient
import KubernetesModels

/// One exec or attach as its query asks for it (PodExecOptions, PodAttachOptions).
struct RemoteCommand: Sendable {
  let namespace: String
  let pod: String
  let container: String
  /// Nil attaches to the container's main process.
  let command: [String]?
  let tty: Bool
  let stdin: Bool
  let stdout: Bool
  let stderr: Bool

  /// - Throws: `PodStreamError` in the API server's words, for an answer before the upgrade.
  init(_ request: StreamRequest) throws(PodStreamError) {
    func flag(_ name: String) -> Bool { QueryFlag.isSet(request.value(name)) }
    namespace = request.namespace
    pod = request.podName
    container = try Self.container(request.value("container"), of: request.pod, name: request.podName)
    tty = flag("tty")
    stdin = flag("stdin")
    stdout = flag("stdout")
    stderr = flag("stderr") && !tty
    command = request.subresource == .exec ? request.values("command") : nil
    guard stdin || stdout || stderr else {
      throw PodStreamError(.badRequest, "you must specify at least 1 of stdin, stdout, stderr")
    }
    guard command?.isEmpty != true else {
      throw PodStreamError(.badRequest, "you must specify at least one command for the container")
    }
    if let phase = request.pod["status"]?["phase"]?.stringValue, phase == "Succeeded" || phase == "Failed" {
      throw PodStreamError(
        .badRequest, "cannot exec into a container in a completed pod; current phase is \(phase)")
    }
  }

  /// The named container, or the only one (API server, pod strategy).
  private static func container(
    _ wanted: String?, of pod: JSONValue, name: String
  ) throws(PodStreamError) -> String {
    func names(_ field: String) -> [String] {
      (pod["spec"]?[field]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
    }
    let containers = names("containers")
    let initContainers = names("initContainers")
    if let wanted, !wanted.isEmpty {
      guard (containers + initContainers + names("ephemeralContainers")).contains(wanted) else {
        throw PodStreamError(.badRequest, "container \(wanted) is not valid for pod \(name)")
      }
      return wanted
    }
    guard containers.count == 1, let only = containers.first else {
      var message =
        "a container name must be specified for pod \(name), choose one of: [\(containers.joined(separator: " "))]"
      if !initContainers.isEmpty {
        message += " or one of the init containers: [\(initContainers.joined(separator: " "))]"
      }
      throw PodStreamError(.badRequest, message)
    }
    return only
  }

  /// Runs it to its end, whatever that is.
  ///
  /// - Returns: the Status that the error channel carries.
  func run(
    on backend: any PodStreamBackend, stdin input: AsyncStream<StreamInput>,
    output: @escaping @Sendable (StreamOutput) async throws -> Void
  ) async -> JSONValue {
    let wanted: @Sendable (StreamOutput) async throws -> Void = { chunk in
      switch chunk {
      case .stdout: if stdout { try await output(chunk) }
      case .stderr(let bytes):
        if tty {
          if stdout { try await output(.stdout(bytes)) }
        } else if stderr {
          try await output(chunk)
        }
      }
    }
    do {
      let source = stdin || tty ? input : nil
      let code =
        if let command {
          try await backend.exec(
            namespace: namespace, pod: pod, container: container, command: command, tty: tty, stdin: source,
            output: wanted)
        } else {
          try await backend.attach(
            namespace: namespace, pod: pod, container: container, tty: tty, stdin: source, output: wanted)
        }
      return CommandStatus.exit(code)
    } catch {
      return CommandStatus.failure(error)
    }
  }
}

/// The Status objects of the error channel (remotecommand, protocol v4).
enum CommandStatus {
  /// Success, or the exit code as a cause of reason `ExitCode`, where kubectl takes its own exit code from.
  static func exit(_ code: Int32) -> JSONValue {
    guard code != 0 else { return ["metadata": [:], "status": "Success"] }
    return [
      "metadata": [:], "status": "Failure", "reason": "NonZeroExitCode",
      "message": .string("command terminated with non-zero exit code: exit code \(code)"),
      "details": ["causes": [["reason": "ExitCode", "message": .string(String(code))]]],
    ]
  }

  static func failure(_ error: any Error) -> JSONValue {
    guard let error = error as? PodStreamError else { return status(.init(.internalError, "\(error)")) }
    return status(error)
  }

  /// Also the body of a refusal before the upgrade.
  static func status(_ error: PodStreamError) -> JSONValue {
    [
      "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(error.message),
      "reason": .string(error.reason.rawValue), "code": .integer(Int64(code(error.reason))),
    ]
  }

  static func refusal(_ error: PodStreamError) -> KubernetesResponse {
    KubernetesResponse(
      status: code(error.reason), headers: [(name: "Content-Type", value: "application/json")],
      body: ResponseBody(bytes: status(error).serialized()))
  }

  private static func code(_ reason: PodStreamError.Reason) -> Int {
    switch reason {
    case .badRequest: 400
    case .notFound: 404
    case .internalError: 500
    }
  }
}

/// The terminal size message of the resize channel: `{"Width":80,"Height":24}`.
enum TerminalSize {
  static func input(_ bytes: some Sequence<UInt8>) -> StreamInput? {
    guard let json = try? JSONValue(parsing: Array(bytes)), let width = json["Width"]?.intValue,
      let height = json["Height"]?.intValue
    else { return nil }
    return .resize(width: UInt16(clamping: width), height: UInt16(clamping: height))
  }
}
