import FoundationEssentials
public import KubernetesClient
import KubernetesModels
import NIOCore

extension PodmanNode: PodLogSource {
  /// Reads the log of a container's current run, or of the one before.
  public func logs(_ request: PodLogRequest) async throws -> ResponseBody {
    let uid = request.pod["metadata"]?["uid"]?.stringValue ?? ""
    guard let worker = worker(uid: uid) else {
      throw APIStatusError.badRequest("pod \"\(request.podName)\" is not running on node \(configuration.name) (yet)")
    }
    let pod = await worker.pod
    let name = request.container ?? pod.spec?.containers.first?.name ?? ""
    let records = await worker.record
    let record = records[name]
    // Between two runs the last one is the previous one already, as the status shows it.
    let isBetweenRuns = record.exit != nil && !PodPhase.of(pod, records).isFinal
    let attempt = request.previous && !isBetweenRuns ? record.attempt - 1 : record.attempt
    guard attempt >= 0 else {
      throw APIStatusError.badRequest(
        "previous terminated container \"\(name)\" in pod \"\(request.podName)\" not found")
    }
    let path = worker.services.logPath(pod, container: name, attempt: attempt)
    guard FileManager.default.fileExists(atPath: path) else {
      throw APIStatusError.badRequest(
        "container \"\(name)\" in pod \"\(request.podName)\" is waiting to start: \(Self.waitingReason(record))")
    }
    var selection = ContainerLog.Selection(
      timestamps: request.timestamps, tailLines: request.tailLines, limitBytes: request.limitBytes)
    if let seconds = request.sinceSeconds {
      selection.since = MicroTime.now + .seconds(-seconds)
    } else if let text = request.sinceTime {
      selection.since = MicroTime(text)
    }
    let follow = request.follow && !request.previous
    return ResponseBody(Self.stream(path, selection, whileRunning: follow ? (worker, name, attempt) : nil))
  }

  private static func waitingReason(_ record: ContainerRecord) -> String {
    if case .waiting(let reason, let message, _) = record.stage { return "\(reason): \(message)" }
    return "ContainerCreating"
  }

  private static func stream(
    _ path: String, _ selection: ContainerLog.Selection, whileRunning: (PodWorker, String, Int)?
  ) -> AsyncThrowingStream<ByteBuffer, any Error> {
    let state = LogCursor(path: path, selection: selection)
    return AsyncThrowingStream {
      while true {
        // Asked before reading, so that what a container writes at its end is read once more.
        var isRunning = false
        if let (worker, name, attempt) = whileRunning {
          let records = await worker.record
          let record = records[name]
          isRunning = record.attempt == attempt && record.isActive
        }
        let bytes = await state.next()
        if !bytes.isEmpty { return ByteBuffer(bytes: bytes) }
        if !isRunning || Task.isCancelled {
          await state.finish()
          return nil
        }
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }
}

/// Where one reader of a log is.
private actor LogCursor {
  private var reader: ContainerLog.Reader
  private var formatter: ContainerLog.Formatter
  private var isFirst = true

  init(path: String, selection: ContainerLog.Selection) {
    reader = ContainerLog.Reader(path: path)
    formatter = ContainerLog.Formatter(selection: selection)
  }

  deinit { reader.finish() }

  func next() -> [UInt8] {
    guard !formatter.isFull else { return [] }
    while true {
      let raw = reader.next()
      defer { isFirst = false }
      let text = isFirst ? formatter.first(raw) : formatter.next(raw)
      // Lines that are not wanted give nothing, but there may be more behind them.
      if !text.isEmpty || raw.isEmpty { return text }
    }
  }

  func finish() { reader.finish() }
}
