import FoundationEssentials
import KubernetesModels
import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension PodmanNode: PodStreamBackend {
  /// Runs a command in a container.
  public func exec(
    namespace: String, pod: String, container: String, command: [String], tty: Bool,
    stdin: AsyncStream<StreamInput>?, output: @escaping @Sendable (StreamOutput) async throws -> Void
  ) async throws -> Int32 {
    let run = try await running(namespace, pod, container)
    let podman = podman
    let id: String
    let (channel, early): (ByteChannel, [UInt8])
    do {
      id = try await podman.createExec(run.id, command: command, tty: tty, stdin: stdin != nil)
      (channel, early) = try await podman.startExec(id, tty: tty)
    } catch {
      throw PodStreamError(.internalError, "the command could not be started: \(error)")
    }
    do {
      try await StreamPump(channel: channel, isRaw: tty).run(early: early, stdin: stdin, output: output) {
        width, height in
        try? await podman.resizeExec(id, width: width, height: height)
      }
    } catch {
      await channel.close()
      // Nobody reads it any more: end it.
      if let state = try? await podman.inspectExec(id), state.running, state.pid > 1 { _ = kill(state.pid, SIGKILL) }
      throw error
    }
    await channel.close()
    // The streams end a moment before podman has the exit code.
    for _ in 0..<250 {
      let state = try await podman.inspectExec(id)
      if !state.running { return state.exitCode }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw PodStreamError(.internalError, "podman does not tell the exit code of the command")
  }

  /// Connects to a container's main process.
  public func attach(
    namespace: String, pod: String, container: String, tty: Bool,
    stdin: AsyncStream<StreamInput>?, output: @escaping @Sendable (StreamOutput) async throws -> Void
  ) async throws -> Int32 {
    let run = try await running(namespace, pod, container)
    let podman = podman
    let (channel, early): (ByteChannel, [UInt8])
    do {
      (channel, early) = try await podman.attach(run.id, stdin: stdin != nil)
    } catch {
      throw PodStreamError(.internalError, "podman refuses to attach: \(error)")
    }
    do {
      try await StreamPump(channel: channel, isRaw: tty).run(early: early, stdin: stdin, output: output) {
        width, height in
        try? await podman.resize(run.id, width: width, height: height)
      }
    } catch {
      await channel.close()
      throw error
    }
    await channel.close()
    guard !ProcessWatcher.isAlive(run.pid) else { return 0 }
    let state = try? await podman.inspect(run.id)
    return state?.exitCode ?? 0
  }

  /// Connects to a port of the pod.
  public func connect(namespace: String, pod: String, port: Int) async throws -> any DuplexBytes {
    guard let worker = worker(namespace, pod), case .ready(let address) = await worker.record.surroundings else {
      throw PodStreamError(.notFound, "pod \(namespace)/\(pod) has no network on node \(configuration.name)")
    }
    do {
      guard let path = await worker.networkPath else {
        return try await ByteChannel.open { $0.connect(host: address.description, port: port) }
      }
      // `localhost` as the pod sees it: what listens on 127.0.0.1 only can be reached too.
      let socket = try await NetworkNamespace.connectLocally(path, port: port)
      return try await ByteChannel.open { $0.withConnectedSocket(socket) }
    } catch {
      throw PodStreamError(.internalError, "nobody answers on port \(port) of pod \(namespace)/\(pod): \(error)")
    }
  }

  private func running(_ namespace: String, _ pod: String, _ container: String) async throws -> ContainerRecord.Run {
    guard let worker = worker(namespace, pod) else {
      throw PodStreamError(.notFound, "pod \(namespace)/\(pod) is not on node \(configuration.name)")
    }
    guard let run = await worker.record[container].run else {
      throw PodStreamError(.badRequest, "container \(container) of pod \(namespace)/\(pod) is not running")
    }
    return run
  }
}
