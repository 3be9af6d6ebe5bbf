import NIOCore
import NIOPosix
import NIOSSL

/// Why a run could not begin.
public enum LoadError: Error, Sendable, Hashable, CustomStringConvertible {
  /// No target answered.
  case unreachable(String)
  /// The server does not let the driver do what it is to do.
  case refused(String)
  /// An option has no meaning for this server.
  case option(String)

  public var description: String {
    switch self {
    case .unreachable(let text), .refused(let text), .option(let text): text
    }
  }
}

/// Where a run stands.
public struct LoadProgress: Sendable, CustomStringConvertible {
  /// Since the first request.
  public var seconds = 0.0
  public var sent = 0
  public var acknowledged = 0
  /// Answers that said nothing, and lost connections.
  public var troubles = 0

  public var description: String {
    "\(number(seconds, 1)) s: sent \(sent), acknowledged \(acknowledged), troubles \(troubles)"
  }
}

/// One run, from finding out what the server trades to holding its ledger against its answers.
public struct LoadRun: Sendable {
  private let options: LoadOptions
  private let patience: Duration
  private let onProgress: @Sendable (LoadProgress) -> Void

  /// - Parameters:
  ///   - patience: how long the servers have for their first answer.
  ///   - onProgress: called each `progressInterval`.
  public init(
    _ options: LoadOptions, patience: Duration = .seconds(10),
    onProgress: @escaping @Sendable (LoadProgress) -> Void = { _ in }
  ) {
    self.options = options
    self.patience = patience
    self.onProgress = onProgress
  }

  /// Carries out the whole schedule. Ends early, but with its accounting, when the task is cancelled.
  public func run() async throws -> LoadReport {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: options.threads)
    do {
      let report = try await run(on: group)
      try await group.shutdownGracefully()
      return report
    } catch {
      try await group.shutdownGracefully()
      throw error
    }
  }

  private func run(on group: MultiThreadedEventLoopGroup) async throws -> LoadReport {
    let tls =
      options.targets.contains { $0.isSecure }
      ? try NIOSSLContext(configuration: TLSConfiguration.makeClientConfiguration()) : nil
    let keeper = SessionKeeper(options, patience: patience, loop: group.next(), tls: tls)
    let feed = FeedClients(options, token: keeper.token, group: group, tls: tls)
    return try await keeper.run(onRenewal: { await feed.authenticate($0) }) {
      try await run(on: group, token: keeper.token, feed: feed, tls: tls)
    }
  }

  private func run(
    on group: MultiThreadedEventLoopGroup, token: SessionToken, feed: FeedClients, tls: NIOSSLContext?
  ) async throws -> LoadReport {
    let writer = try await Preparation(
      options, token: token, patience: patience, loop: group.next(), tls: tls
    ).writer()
    let workers = group.makeIterator().enumerated().map { index, loop in
      LoadWorker(options: options, writer: writer, loop: loop, index: index, count: options.threads, tls: tls)
    }
    let figures = await feed.run { await load(workers) }.figures
    // A run that was interrupted still tells what it knows.
    return await Task { await account(workers, writer, figures) }.value
  }

  /// The schedule, until its end or until the task is cancelled.
  private func load(_ workers: [LoadWorker]) async {
    await withTaskCancellationHandler {
      await withTaskGroup { tasks in
        tasks.addTask { await tell(workers) }
        await withTaskGroup { running in
          let start = NIODeadline.now() + .milliseconds(20)
          for worker in workers { running.addTask { await worker.run(from: start) } }
        }
        tasks.cancelAll()
      }
    } onCancel: {
      Task { for worker in workers { await worker.stop() } }
    }
  }

  private func account(
    _ workers: [LoadWorker], _ writer: OrderWriter, _ webSockets: WebSocketFigures?
  ) async -> LoadReport {
    let (start, limit) = (NIODeadline.now(), options.settleLimit.nanoseconds)
    let deadline = start + .nanoseconds(limit)
    // Orders that nobody answers must not take the time in which the ledger is read.
    let unknown = await resolve(workers, until: start + .nanoseconds(limit / 2))
    var findings = LedgerFindings()
    if unknown.sent > 0 {
      let used = Set(unknown.accounts)
      for (index, account) in writer.accounts.enumerated() where used.contains(index) {
        findings.merge(
          await workers[index % workers.count].readTransactions(of: account, number: index, until: deadline))
      }
      let readAll = !findings.isComplete
      for worker in workers { findings.merge(await worker.readReceipts(all: readAll, until: deadline)) }
    }
    var result = WorkerResult()
    for worker in workers {
      result.merge(await worker.result)
      await worker.close()
    }
    var report = LoadReport(result, options)
    report.webSockets = webSockets
    report.orders = OrderFigures(
      result.records, differing: result.differing, findings: findings, name: writer.clientOrderId)
    return report
  }

  private func resolve(
    _ workers: [LoadWorker], until deadline: NIODeadline
  ) async -> (sent: Int, accounts: Set<Int>) {
    await withTaskGroup { group in
      for worker in workers { group.addTask { await worker.resolveUnknown(until: deadline) } }
    }
    var sent = 0
    var accounts: Set<Int> = []
    for worker in workers {
      let records = await worker.result.records
      sent += records.count
      accounts.formUnion(records.map(\.account))
    }
    return (sent, accounts)
  }

  private func tell(_ workers: [LoadWorker]) async {
    guard let interval = options.progressInterval else { return }
    let start = ContinuousClock.now
    while (try? await Task.sleep(for: interval)) != nil {
      var progress = LoadProgress()
      for worker in workers {
        let part = await worker.progress
        progress.sent += part.sent
        progress.acknowledged += part.acknowledged
        progress.troubles += part.troubles
      }
      progress.seconds = Double(start.duration(to: .now).nanoseconds) / 1e9
      onProgress(progress)
    }
  }
}

extension LoadReport {
  init(_ result: WorkerResult, _ options: LoadOptions) {
    self.init()
    prefix = options.prefix
    seconds = Double(result.elapsed) / 1e9
    offeredPerSecond = options.arrivals.rate
    let answered = result.latencies.values.reduce(0) { $0 + $1.count }
    answeredPerSecond = seconds > 0 ? Double(answered) / seconds : 0
    driverLagP99Ms = Double(result.lag.percentile(0.99)) / 1e6
    troubles = result.troubles
    endpoints = Operation.allCases.compactMap { operation in
      let latency = result.latencies[operation] ?? LatencyHistogram()
      let failed = result.failures[operation, default: 0]
      guard latency.count + failed > 0 else { return nil }
      return Endpoint(
        endpoint: operation.endpoint, answered: latency.count, failed: failed,
        p50Ms: Double(latency.percentile(0.5)) / 1e6, p99Ms: Double(latency.percentile(0.99)) / 1e6,
        p999Ms: Double(latency.percentile(0.999)) / 1e6, maxMs: Double(latency.maximum) / 1e6)
    }
  }
}
