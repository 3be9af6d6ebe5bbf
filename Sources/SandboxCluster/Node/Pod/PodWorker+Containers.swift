import FoundationEssentials
import KubernetesModels
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One run of a container, from its image to its exit code.
extension PodWorker {
  /// Creates and starts a container, keeps its probes going, and returns when it has ended and this is noted.
  func runContainer(_ name: String) async {
    guard let container = pod.allContainers.first(where: { $0.name == name }) else { return }
    if let id = record[name].previous?.id { try? await services.podman.remove(id) }
    guard let image = await findImage(container) else { return }
    change(name) { $0.image = image }
    let attempt = record[name].attempt
    let begun = Date()
    var created: String?
    do {
      let specification = try await specification(container, image, attempt)
      await tellOfLimits(container)
      let id = try await services.podman.create(specification)
      created = id
      await tell(container, reason: "Created", message: "Created container: \(name)")
      try await services.podman.start(id)
      let state = try await services.podman.inspect(id)
      await tell(container, reason: "Started", message: "Started container \(name)")
      change(name) {
        $0.stage = .running(
          .init(id: id, pid: state.pid, startedAt: state.startedAt ?? begun, cgroupPath: state.cgroupPath))
      }
      await accompany(container, id: id, pid: state.pid, startedAt: state.startedAt ?? begun)
      let exit = await exit(of: id, container, startedAt: state.startedAt ?? begun)
      change(name) { $0.ended(exit) }
    } catch is CancellationError {
      return
    } catch let error as VolumeError {
      // What it refers to is not there (yet): looked for again, without counting as a crash.
      if let created { try? await services.podman.remove(created) }
      await tell(container, isWarning: true, reason: "Failed", message: "Error: \(error)")
      change(name) {
        $0.stage = .waiting(
          reason: "CreateContainerConfigError", message: error.description, until: Date().addingTimeInterval(2))
      }
    } catch {
      await tell(container, isWarning: true, reason: "Failed", message: "Error: \(error)")
      let exit = ContainerRecord.Exit(
        id: created, exitCode: 128, reason: "StartError", message: "\(error)", startedAt: begun, finishedAt: Date())
      change(name) { $0.ended(exit) }
    }
  }

  // MARK: Before

  private func findImage(_ container: Container) async -> Podman.Image? {
    let name = container.image ?? ""
    do {
      let (image, wasPulled) = try await services.images.find(name, policy: container.imagePullPolicy)
      change(container.name) { $0.pullBackOff.reset() }
      await tell(
        container, reason: "Pulled",
        message: wasPulled
          ? "Successfully pulled image \"\(name)\"" : "Container image \"\(name)\" already present on machine")
      return image
    } catch is CancellationError {
      return nil
    } catch {
      let missing = error as? ImageStore.Missing
      let message = missing?.description ?? "\(error)"
      await tell(container, isWarning: true, reason: "Failed", message: "Failed to pull image \"\(name)\": \(message)")
      change(container.name) { record in
        let now = Date()
        record.pullBackOff.failed(at: now, startedAt: now)
        let isRepeated = record.pullBackOff.failures > 1
        let reason = missing?.reason ?? "ErrImagePull"
        record.stage = .waiting(
          reason: isRepeated && reason == "ErrImagePull" ? "ImagePullBackOff" : reason,
          message: isRepeated ? "Back-off pulling image \"\(name)\": \(message)" : message,
          until: now.addingTimeInterval(max(2, record.pullBackOff.delay)))
      }
      return nil
    }
  }

  /// A limit that this machine cannot hold a container to is better known than silently missing.
  private func tellOfLimits(_ container: Container) async {
    let limits = container.resources?.limits ?? [:]
    let missing = [("memory", services.limits.memory), ("cpu", services.limits.cpu)]
      .filter { limits[$0.0] != nil && !$0.1 }.map(\.0)
    guard !missing.isEmpty else { return }
    await tell(
      container, isWarning: true, reason: "LimitsNotEnforced",
      message: "this machine has no control group for \(missing.joined(separator: " and ")): the limit is not enforced")
  }

  private func specification(_ container: Container, _ image: Podman.Image, _ attempt: Int) async throws -> JSONValue {
    let namespace = pod.metadata.namespace ?? ""
    let fields = PodFields(
      pod: pod, address: record.address, hostAddress: services.hostAddress, machine: services.machine)
    let environment = try await ContainerEnvironment.resolve(
      container, in: namespace, base: KubernetesVariables.all(services.configuration), fields: fields,
      reader: services.reader)
    let folder = services.folder(pod)
    let termination = "\(folder)/termination/\(container.name)-\(attempt)"
    try Self.makeEmptyFile(termination, mode: 0o666)
    let logPath = services.logPath(pod, container: container.name, attempt: attempt)
    try FileManager.default.createDirectory(
      atPath: String(logPath[..<(logPath.lastIndex(of: "/") ?? logPath.endIndex)]), withIntermediateDirectories: true)
    let specification = ContainerSpecification(
      pod: pod, container: container,
      name: "\(services.configuration.network.instance)_\(namespace)_\(pod.metadata.name ?? "")_\(container.name)"
        + "_\(StableHash.hex(pod.metadata.uid ?? ""))_\(attempt)",
      image: image, environment: environment, networkPath: networkPath, hostname: PodFiles.hostname(pod),
      volumes: volumePaths,
      files: [
        "/etc/hosts": "\(folder)/hosts", "/etc/resolv.conf": "\(folder)/resolv.conf",
        container.terminationMessagePath ?? "/dev/termination-log": termination,
      ],
      logPath: logPath,
      cgroupParent: "/\(services.configuration.network.cgroupName)/pod\(StableHash.hex(pod.metadata.uid ?? ""))",
      labels: [
        "sandbox.rtx.trading/instance": services.configuration.network.instance,
        "io.kubernetes.pod.namespace": namespace, "io.kubernetes.pod.name": pod.metadata.name ?? "",
        "io.kubernetes.pod.uid": pod.metadata.uid ?? "", "io.kubernetes.container.name": container.name,
      ],
      limits: services.limits)
    try specification.makeSubPaths()
    return try specification.json()
  }

  static func makeEmptyFile(_ path: String, mode: mode_t) throws {
    let folder = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data().write(to: URL(filePath: path))
    _ = chmod(path, mode)
  }

  // MARK: While it runs

  /// Hook and probes, until the process has ended.
  private func accompany(_ container: Container, id: String, pid: Int32, startedAt: Date) async {
    guard let address = record.address else { return await services.watcher.waitUntilGone(pid) }
    let name = container.name
    let runner = ProbeRunner(runtime: services.runtime, address: address, container: container, id: id)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [self] in
        guard await runPostStart(container, runner, pid: pid) else { return }
        if container.startupProbe == nil { await change(name) { $0.isStarted = true } }
        await ContainerProbes(runner: runner, startedAt: startedAt).run(
          isStarted: { await self.record[name].isStarted },
          report: { await self.take($0, container) })
      }
      group.addTask { [services] in await services.watcher.waitUntilGone(pid) }
      // The probes end only by being cancelled (or are none at all); the process is what is waited for.
      for await _ in group where !ProcessWatcher.isAlive(pid) { break }
      group.cancelAll()
    }
  }

  private func runPostStart(_ container: Container, _ runner: ProbeRunner, pid: Int32) async -> Bool {
    guard let hook = container.lifecycle?.postStart else { return true }
    let result = await runner.perform(hook, limit: .seconds(300))
    guard !result.success, !Task.isCancelled else { return !Task.isCancelled }
    await tell(
      container, isWarning: true, reason: "FailedPostStartHook", message: "PostStartHook failed: \(result.output)")
    _ = kill(pid, SIGKILL)
    return false
  }

  private func take(_ report: ContainerProbes.Report, _ container: Container) async {
    guard record[container.name].run != nil, !record[container.name].isStopping else { return }
    switch report {
    case .started: change(container.name) { $0.isStarted = true }
    case .ready(let isReady): change(container.name) { $0.isReady = isReady }
    case .unhealthy(let message): change(container.name) { $0.unhealthy = message }
    case .failed(let kind, let output):
      await tell(
        container, isWarning: true, reason: "Unhealthy",
        message: "\(kind.rawValue) probe failed: \(output.prefix(500))")
    }
  }

  // MARK: The end

  func stop(_ name: String, graceSeconds: Int, message: String) async {
    guard let container = pod.allContainers.first(where: { $0.name == name }), let run = record[name].run,
      let address = record.address
    else { return }
    await tell(container, reason: "Killing", message: message)
    let deadline = Date().addingTimeInterval(Double(graceSeconds))
    if graceSeconds > 0, let hook = container.lifecycle?.preStop {
      let runner = ProbeRunner(runtime: services.runtime, address: address, container: container, id: run.id)
      let result = await runner.perform(hook, limit: .seconds(graceSeconds))
      if !result.success, ProcessWatcher.isAlive(run.pid) {
        await tell(
          container, isWarning: true, reason: "FailedPreStopHook", message: "PreStopHook failed: \(result.output)")
      }
    }
    // The hook may have used the time up; two seconds are left to the process in any case, as by the kubelet.
    let rest = graceSeconds == 0 ? 0 : max(2, Int(deadline.timeIntervalSinceNow.rounded(.up)))
    do {
      try await services.podman.stop(run.id, timeoutSeconds: rest)
    } catch {
      guard ProcessWatcher.isAlive(run.pid) else { return }
      services.logger.warning(
        "podman could not stop a container; killing it", metadata: ["container": "\(name)", "error": "\(error)"])
      _ = kill(run.pid, SIGKILL)
    }
  }

  /// podman learns of the end from the container's monitor, a moment after the process is gone.
  private func exit(of id: String, _ container: Container, startedAt: Date) async -> ContainerRecord.Exit {
    var state: Podman.Inspection?
    for _ in 0..<250 {
      guard let current = try? await services.podman.inspect(id) else { break }
      if ["exited", "stopped"].contains(current.status) {
        state = current
        break
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
    guard let state else {
      return .init(
        id: nil, exitCode: 137, reason: "ContainerStatusUnknown",
        message: "The container could not be located when the pod was looked at: somebody removed it from podman",
        startedAt: startedAt, finishedAt: Date())
    }
    var reason = state.exitCode == 0 ? "Completed" : "Error"
    if state.exitCode == 137 {
      let isOutOfMemory = state.oomKilled ? true : await ControlGroups.wasOutOfMemory(container: id)
      if isOutOfMemory { reason = "OOMKilled" }
    }
    return .init(
      id: id, exitCode: Int(state.exitCode), reason: reason, message: lastWords(container, exitCode: state.exitCode),
      startedAt: state.startedAt ?? startedAt, finishedAt: state.finishedAt ?? Date())
  }

  /// The termination message: from its file, or from the log's end where the container asks for that.
  private func lastWords(_ container: Container, exitCode: Int32) -> String? {
    let attempt = record[container.name].attempt
    let path = "\(services.folder(pod))/termination/\(container.name)-\(attempt)"
    if let text = try? String(contentsOfFile: path, encoding: .utf8), !text.isEmpty { return String(text.prefix(4096)) }
    guard container.terminationMessagePolicy == "FallbackToLogsOnError", exitCode != 0 else { return nil }
    let log = ContainerLog(path: services.logPath(pod, container: container.name, attempt: attempt))
    let tail = log.tail(lines: 80)
    return tail.isEmpty ? nil : String(tail.suffix(2048))
  }

  private func tell(_ container: Container, isWarning: Bool = false, reason: String, message: String) async {
    let isInit = (pod.spec?.initContainers ?? []).contains { $0.name == container.name }
    await services.events.record(
      pod, container: container, isInit: isInit, isWarning: isWarning, reason: reason, message: message)
  }
}

extension ProbeRunner {
  /// Performs a lifecycle hook.
  func perform(_ hook: LifecycleHandler, limit: Duration) async -> Result {
    if let command = hook.exec?.command { return await check(command, limit: limit) }
    if let action = hook.httpGet { return await check(action, limit: limit) }
    if let sleep = hook.sleep {
      try? await Task.sleep(for: min(limit, .seconds(sleep.seconds)))
      return Result(success: true, output: "")
    }
    return Result(success: false, output: "the hook has no action that this node knows (exec, httpGet, sleep)")
  }
}
