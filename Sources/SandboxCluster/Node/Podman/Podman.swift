import FoundationEssentials
import KubernetesModels

/// The parts of podman's REST interface ("libpod") that a node needs.
struct Podman: Sendable {
  private let http: UnixHTTP
  private static let prefix = "/v4.0.0/libpod"

  /// podman's own refusal, in its words.
  struct Refusal: Error, CustomStringConvertible {
    var status: Int
    var description: String
  }

  /// What podman knows of a container.
  struct Inspection: Sendable {
    /// `created`, `running`, `exited`, `stopped`, `stopping`, `paused`.
    var status: String
    var pid: Int32
    var exitCode: Int32
    var startedAt: Date?
    var finishedAt: Date?
    var oomKilled: Bool
    var cgroupPath: String
  }

  /// What an image says of itself.
  struct Image: Sendable, Hashable {
    var id: String
    /// The name under which podman knows it.
    var name: String
    /// `USER` of the image: a name or number, with group after a colon; empty for root.
    var user: String
    var size: Int
  }

  init(socketPath: String) { http = UnixHTTP(socketPath: socketPath) }

  private func call(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> UnixHTTP.Response {
    let response = try await http.send(method, Self.prefix + path, body: body)
    guard (200..<300).contains(response.status) || response.status == 304 else {
      throw Refusal(status: response.status, description: UnixHTTP.message(response))
    }
    return response
  }

  // MARK: Containers

  /// - Returns: the container's id.
  func create(_ specification: JSONValue) async throws -> String {
    let response = try await call("POST", "/containers/create", body: specification)
    guard let id = try JSONValue(parsing: response.body)["Id"]?.stringValue else {
      throw Refusal(status: response.status, description: "podman gave no id for a container")
    }
    return id
  }

  func start(_ container: String) async throws {
    _ = try await call("POST", "/containers/\(container)/start")
  }

  /// Sends the image's stop signal, and SIGKILL after the time-out. Returns when the container has stopped.
  func stop(_ container: String, timeoutSeconds: Int) async throws {
    _ = try await call("POST", "/containers/\(container)/stop?timeout=\(timeoutSeconds)")
  }

  /// Removes a container, running or not; fine with one that is not there.
  func remove(_ container: String) async throws {
    do {
      _ = try await call("DELETE", "/containers/\(container)?force=true&timeout=0&v=true")
    } catch let refusal as Refusal where refusal.status == 404 {
      return
    }
  }

  func inspect(_ container: String) async throws -> Inspection {
    let json = try JSONValue(parsing: try await call("GET", "/containers/\(container)/json").body)
    let state = json["State"]
    return Inspection(
      status: state?["Status"]?.stringValue ?? "", pid: Int32(state?["Pid"]?.intValue ?? 0),
      exitCode: Int32(truncatingIfNeeded: state?["ExitCode"]?.intValue ?? 0),
      startedAt: Self.date(state?["StartedAt"]), finishedAt: Self.date(state?["FinishedAt"]),
      oomKilled: state?["OOMKilled"]?.boolValue ?? false, cgroupPath: state?["CgroupPath"]?.stringValue ?? "")
  }

  private static func date(_ value: JSONValue?) -> Date? {
    guard let micro = value?.stringValue.flatMap({ MicroTime($0) }), micro.microsecondsSinceEpoch > 0 else {
      return nil
    }
    return Date(timeIntervalSince1970: Double(micro.microsecondsSinceEpoch) / 1e6)
  }

  // MARK: Streams

  /// Prepares a command in a running container.
  func createExec(_ container: String, command: [String], tty: Bool, stdin: Bool) async throws -> String {
    let body: JSONValue = [
      "AttachStdin": .bool(stdin), "AttachStdout": true, "AttachStderr": true, "Tty": .bool(tty),
      "Cmd": .array(command.map { .string($0) }),
    ]
    let response = try await call("POST", "/containers/\(container)/exec", body: body)
    guard let id = try JSONValue(parsing: response.body)["Id"]?.stringValue else {
      throw Refusal(status: response.status, description: "podman gave no id for a command")
    }
    return id
  }

  func startExec(_ id: String, tty: Bool) async throws -> (ByteChannel, [UInt8]) {
    try await http.hijack(
      "POST", "\(Self.prefix)/exec/\(id)/start", body: ["Detach": false, "Tty": .bool(tty)])
  }

  /// Whether a command still runs, its process on the machine, and its exit code when it does not.
  func inspectExec(_ id: String) async throws -> (running: Bool, pid: Int32, exitCode: Int32) {
    let json = try JSONValue(parsing: try await call("GET", "/exec/\(id)/json").body)
    return (
      json["Running"]?.boolValue ?? false, Int32(json["Pid"]?.intValue ?? 0),
      Int32(truncatingIfNeeded: json["ExitCode"]?.intValue ?? 0)
    )
  }

  func resizeExec(_ id: String, width: UInt16, height: UInt16) async throws {
    _ = try await call("POST", "/exec/\(id)/resize?h=\(height)&w=\(width)")
  }

  func attach(_ container: String, stdin: Bool) async throws -> (ByteChannel, [UInt8]) {
    try await http.hijack(
      "POST", "\(Self.prefix)/containers/\(container)/attach?stream=true&stdin=\(stdin)&stdout=true&stderr=true")
  }

  func resize(_ container: String, width: UInt16, height: UInt16) async throws {
    _ = try await call("POST", "/containers/\(container)/resize?h=\(height)&w=\(width)")
  }

  // MARK: Images

  /// Nil when it is not in podman's store.
  func image(_ name: String) async throws -> Image? {
    do {
      let json = try JSONValue(parsing: try await call("GET", "/images/\(name)/json").body)
      return Image(
        id: json["Id"]?.stringValue ?? "", name: name, user: json["User"]?.stringValue ?? "",
        size: json["Size"]?.intValue ?? 0)
    } catch let refusal as Refusal where refusal.status == 404 {
      return nil
    }
  }

  /// Asks the registry that the name says, or those of registries.conf.
  func pull(_ name: String) async throws {
    let response = try await call("POST", "/images/pull?reference=\(name)&quiet=true")
    // The status is 200 even where it fails: the report is a stream of JSON lines.
    for line in response.body.split(separator: UInt8(ascii: "\n")) {
      if let error = try? JSONValue(parsing: Array(line))["error"]?.stringValue, !error.isEmpty {
        throw Refusal(status: 500, description: error)
      }
    }
  }

  /// podman's version; shows that the service answers.
  func version() async throws -> String {
    let json = try JSONValue(parsing: try await call("GET", "/version").body)
    return json["Version"]?.stringValue ?? "unknown"
  }
}
