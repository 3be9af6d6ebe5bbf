import FoundationEssentials
import KubernetesModels
import NIOCore
import NIOPosix
import NIOSSL

/// Performs one check of a container: a request, a connection or a command.
struct ProbeRunner: Sendable {
  var runtime: ContainerRuntime
  /// Where the pod is.
  var address: IPv4Address
  var container: Container
  /// The running container's id.
  var id: String

  struct Result: Sendable {
    var success: Bool
    var output: String
  }

  func check(_ probe: Probe) async -> Result {
    let limit = Duration.seconds(probe.timeoutSeconds ?? 1)
    if let command = probe.exec?.command { return await check(command, limit: limit) }
    if let action = probe.httpGet { return await check(action, limit: limit) }
    if let action = probe.tcpSocket { return await check(action, limit: limit) }
    return Result(success: false, output: "the probe has no action that this node knows (exec, httpGet, tcpSocket)")
  }

  func check(_ command: [String], limit: Duration) async -> Result {
    do {
      let outcome = try await runtime.exec(id, command: command, limit: limit)
      return Result(success: outcome.exitCode == 0, output: outcome.output + outcome.errors)
    } catch {
      return Result(success: false, output: "\(error)")
    }
  }

  private func check(_ action: TCPSocketAction, limit: Duration) async -> Result {
    guard let port = port(action.port) else { return Self.unknownPort(action.port) }
    do {
      try await Deadline.run(limit) {
        let channel = try await ByteChannel.open { $0.connect(host: action.host ?? address.description, port: port) }
        await channel.close()
      }
      return Result(success: true, output: "")
    } catch {
      return Result(success: false, output: "dial tcp \(action.host ?? address.description):\(port): \(error)")
    }
  }

  func check(_ action: HTTPGetAction, limit: Duration) async -> Result {
    guard let port = port(action.port) else { return Self.unknownPort(action.port) }
    let host = action.host ?? address.description
    let path = action.path.map { $0.hasPrefix("/") ? $0 : "/" + $0 } ?? "/"
    let url = "\((action.scheme ?? "HTTP").lowercased())://\(host):\(port)\(path)"
    do {
      let status = try await Deadline.run(limit) { try await request(action, host: host, port: port, path: path) }
      // Every answer from 200 to 399 counts; redirects are not followed.
      if 200..<400 ~= status { return Result(success: true, output: "") }
      return Result(success: false, output: "HTTP probe failed with statuscode: \(status)")
    } catch {
      return Result(success: false, output: "Get \"\(url)\": \(error)")
    }
  }

  private func request(_ action: HTTPGetAction, host: String, port: Int, path: String) async throws -> Int {
    let isSecure = action.scheme?.uppercased() == "HTTPS"
    var head = ["GET \(path) HTTP/1.1", "Connection: close"]
    let headers = action.httpHeaders ?? []
    if !headers.contains(where: { $0.name.lowercased() == "host" }) { head.append("Host: \(host):\(port)") }
    if !headers.contains(where: { $0.name.lowercased() == "user-agent" }) { head.append("User-Agent: kube-probe/1.36") }
    head += headers.map { "\($0.name): \($0.value)" }
    let channel = try await ByteChannel.open { bootstrap in
      guard isSecure else { return bootstrap.connect(host: host, port: port) }
      return bootstrap.connect(host: host, port: port).flatMap { channel in
        channel.eventLoop.makeCompletedFuture {
          // As the kubelet: a probe does not ask who signed the certificate.
          var configuration = TLSConfiguration.makeClientConfiguration()
          configuration.certificateVerification = .none
          let context = try NIOSSLContext(configuration: configuration)
          let handler = try NIOSSLClientHandler(context: context, serverHostname: nil)
          try channel.pipeline.syncOperations.addHandler(handler, position: .first)
          return channel
        }
      }
    }
    do {
      // Written while reading: a TLS handshake needs both.
      async let written: Void = channel.write(Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8))
      var bytes: [UInt8] = []
      while bytes.count < 12, let chunk = try await channel.read() { bytes += chunk }
      try await written
      await channel.close()
      let line = String(decoding: bytes.prefix { $0 != 13 && $0 != 10 }, as: UTF8.self)
      let parts = line.split(separator: " ")
      guard parts.count >= 2, parts[0].hasPrefix("HTTP/"), let status = Int(parts[1]) else {
        throw UnixHTTP.Failure(description: bytes.isEmpty ? "EOF" : "malformed HTTP response \"\(line.prefix(60))\"")
      }
      return status
    } catch {
      await channel.close()
      throw error
    }
  }

  private func port(_ port: IntOrString) -> Int? {
    switch port {
    case .int(let number): return number
    case .string(let name):
      return (container.ports ?? []).first { $0.name == name }?.containerPort ?? Int(name)
    }
  }

  private static func unknownPort(_ port: IntOrString) -> Result {
    Result(success: false, output: "the container has no port named \(port.stringValue ?? "")")
  }
}

/// Bounds the time of an operation.
enum Deadline {
  struct Exceeded: Error, CustomStringConvertible {
    var limit: Duration
    var description: String { "no answer within \(limit)" }
  }

  /// Cancels the operation when the time is over, and throws ``Exceeded`` then.
  static func run<T: Sendable>(
    _ limit: Duration, _ operation: @escaping @Sendable () async throws -> T
  ) async throws -> T {
    try await withThrowingTaskGroup(of: T.self) { group in
      group.addTask { try await operation() }
      group.addTask {
        try await Task.sleep(for: limit)
        throw Exceeded(limit: limit)
      }
      defer { group.cancelAll() }
      guard let first = try await group.next() else { throw CancellationError() }
      return first
    }
  }
}
