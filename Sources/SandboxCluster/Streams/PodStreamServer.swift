import KubernetesClient
public import Logging
import NIOCore

/// Serves pods/exec, pods/attach and pods/portforward over WebSocket and SPDY/3.1, as a kubelet behind an API server does.
public struct PodStreamServer: UpgradeHandler {
  private let backend: any PodStreamBackend
  private let logger: Logger

  public init(backend: any PodStreamBackend, logger: Logger = Logger(label: "sandbox.streams")) {
    self.backend = backend
    self.logger = logger
  }

  public func decide(_ request: StreamRequest) async -> UpgradeDecision {
    do throws(PodStreamError) {
      let upgrade = (request.header("Upgrade") ?? "").lowercased()
      switch upgrade {
      case "websocket": return try webSocket(request)
      case "spdy/3.1": return try spdy(request)
      default: throw PodStreamError(.badRequest, "Upgrade request required")
      }
    } catch {
      return .refuse(CommandStatus.refusal(error))
    }
  }

  private func webSocket(_ request: StreamRequest) throws(PodStreamError) -> UpgradeDecision {
    let backend = backend
    let upgrade = try WebSocketUpgrade(request)
    if request.subresource == .portforward {
      let (namespace, pod) = (request.namespace, request.podName)
      if upgrade.offers(StreamProtocol.tunnelledPortForward) {
        let logger = logger
        return upgrade.accept(StreamProtocol.tunnelledPortForward) { channel in
          SPDYPortForward(backend: backend, namespace: namespace, pod: pod, logger: logger).start(
            on: channel, tunnelled: true)
        }
      }
      guard upgrade.offers(StreamProtocol.v4) else { throw upgrade.noCommonProtocol }
      let ports = try WebSocketPortForward.ports(of: request)
      return upgrade.accept(StreamProtocol.v4) { channel in
        WebSocketPortForward(backend: backend, namespace: namespace, pod: pod, ports: ports).start(on: channel)
      }
    }
    let command = try RemoteCommand(request)
    guard let version = [StreamProtocol.v5, StreamProtocol.v4].first(where: upgrade.offers) else {
      throw upgrade.noCommonProtocol
    }
    return upgrade.accept(version) { channel in
      WebSocketCommand(command: command, backend: backend, hasCloseSignal: version == StreamProtocol.v5).start(
        on: channel)
    }
  }

  private func spdy(_ request: StreamRequest) throws(PodStreamError) -> UpgradeDecision {
    let offered = request.headers.filter { $0.name.lowercased() == "x-stream-protocol-version" }
      .flatMap { $0.value.split(separator: ",") }.map { String($0.filter { $0 != " " }) }
    let wanted = request.subresource == .portforward ? StreamProtocol.portForward : StreamProtocol.v4
    // Clients from before negotiation send no header.
    guard offered.contains(wanted) || (offered.isEmpty && request.subresource == .portforward) else {
      throw PodStreamError(
        .badRequest,
        "unable to upgrade: unable to negotiate protocol: client supports \(offered), server accepts [\(wanted)]")
    }
    let headers = [
      (name: "Connection", value: "Upgrade"), (name: "Upgrade", value: "SPDY/3.1"),
      (name: "X-Stream-Protocol-Version", value: wanted),
    ]
    let (backend, logger) = (backend, logger)
    if request.subresource == .portforward {
      let (namespace, pod) = (request.namespace, request.podName)
      return .accept(headers: headers) { channel in
        SPDYPortForward(backend: backend, namespace: namespace, pod: pod, logger: logger).start(
          on: channel, tunnelled: false)
      }
    }
    let command = try RemoteCommand(request)
    return .accept(headers: headers) { channel in
      SPDYCommand(command: command, backend: backend, logger: logger).start(on: channel)
    }
  }
}

/// The names that the two sides negotiate with.
enum StreamProtocol {
  static let v4 = "v4.channel.k8s.io"
  /// As v4, with a signal that closes a channel.
  static let v5 = "v5.channel.k8s.io"
  static let portForward = "portforward.k8s.io"
  /// SPDY inside the binary messages of a WebSocket.
  static let tunnelledPortForward = "SPDY/3.1+portforward.k8s.io"
}
