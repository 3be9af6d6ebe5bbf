import Foundation
import KubernetesClient
import KubernetesModels
import Logging
import NIOCore
import NIOPosix
import OperatorTestKit
import Testing

@testable import OperatorRuntime

/// Where an operator's work runs.
@Suite(.timeLimit(.minutes(1))) struct EventLoopExecutorTests {
  @Test func childTasksAndWhatFollowsAWaitStayOnTheLoop() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let (loop, other) = (group.next(), MultiThreadedEventLoopGroup.singleton.next())
    let places = await withTaskExecutorPreference(EventLoopExecutor(loop)) {
      await withTaskGroup(of: [Bool].self) { group in
        for _ in 0..<8 {
          group.addTask {
            let before = loop.inEventLoop
            try? await other.scheduleTask(in: .milliseconds(1)) {}.futureResult.get()
            return [before, loop.inEventLoop]
          }
        }
        return await group.reduce(into: [loop.inEventLoop]) { $0 += $1 }
      }
    }
    #expect(places == Array(repeating: true, count: 17))
    try await group.shutdownGracefully()
  }

  /// Over real connections, so that what waits for them would come back on another thread if anything hopped.
  @Test(arguments: [true, false]) func reconcilesRunBesideTheConnectionsUnlessToldOtherwise(onLoop: Bool) async throws {
    let server = try TestAPIServer()
    let file = FileManager.default.temporaryDirectory.appending(path: "kubeconfig-\(UUID().uuidString)")
    try await server.serve().kubeconfig.write(to: file, atomically: true, encoding: .utf8)
    let client = try KubernetesClient(configuration: .kubeconfig(file.path))
    try FileManager.default.removeItem(at: file)
    var quiet = Logger(label: "test")
    quiet.logLevel = .error
    var options = ManagerOptions(healthPort: nil, metricsPort: nil, signals: [])
    if !onLoop { options.executor = nil }
    let manager = Manager(client: client, logger: quiet, options: options)
    let informer = Informer<ConfigMap>(client: client, namespace: "default", logger: quiet)
    let places = Shared<[Bool]>([])
    let controller = Controller(
      name: "settings",
      reconciler: ClosureReconciler { key in
        places.update { $0.append(EventLoopExecutor.shared.loop.inEventLoop) }
        _ = try await client.getIfPresent(ConfigMap.self, key.name, in: key.namespace)
        places.update { $0.append(EventLoopExecutor.shared.loop.inEventLoop) }
        return .done
      }, logger: quiet)
    controller.watch(informer)
    manager.add(informer)
    manager.add(controller)
    let run = Task { try await manager.run() }
    _ = try await client.create(ConfigMap(metadata: ObjectMeta(name: "a", namespace: "default")))
    #expect(await eventually { places.value.count >= 2 })
    #expect(Set(places.value) == [onLoop])
    manager.stop()
    try await run.value
    try await client.shutdown()
    try await server.stop()
  }
}
