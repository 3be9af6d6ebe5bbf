import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Keep-alive connections from one address to one target, all on one event loop, at most `limit` of them; who finds none free waits in line.
final class ConnectionPool {
  private let target: Target
  private let loop: any EventLoop
  private let limit: Int
  private let source: SocketAddress?
  private let tls: NIOSSLContext?
  private var idle: [ExchangeHandler] = []
  private var open = 0
  private var line = CircularBuffer<CheckedContinuation<Void, Never>>()

  init(target: Target, loop: any EventLoop, limit: Int, source: SocketAddress?, tls: NIOSSLContext?) {
    self.target = target
    self.loop = loop
    self.limit = limit
    self.source = source
    self.tls = tls
  }

  /// Sends a request on a free connection. A read that was lost on a connection that had been idle is sent again: the
  /// server may have closed it for idleness just then.
  func exchange(
    _ request: Request, timeout: TimeAmount, isolation: isolated any Actor
  ) async -> Result<Answer, ExchangeError> {
    while true {
      guard let connection = await acquire(isolation: isolation) else { return .failure(.cannotConnect) }
      let wasUsed = connection.uses > 0
      let result = await withCheckedContinuation { continuation in
        connection.send(request, timeout: timeout) { continuation.resume(returning: $0) }
      }
      release(connection)
      if case .failure(.connectionLost) = result, wasUsed, request.isRead { continue }
      return result
    }
  }

  /// Closes what is idle.
  func close() {
    for connection in idle { connection.close() }
    idle = []
  }

  private func acquire(isolation: isolated any Actor) async -> ExchangeHandler? {
    while true {
      while let connection = idle.popLast() {
        if connection.isIdle { return connection }
        open -= 1
      }
      if open < limit { break }
      await withCheckedContinuation { line.append($0) }
    }
    open += 1
    if let connection = await connect(isolation: isolation) { return connection }
    open -= 1
    line.popFirst()?.resume()
    return nil
  }

  private func release(_ connection: ExchangeHandler) {
    if connection.isIdle { idle.append(connection) } else { open -= 1 }
    line.popFirst()?.resume()
  }

  private func connect(isolation: isolated any Actor) async -> ExchangeHandler? {
    let channel = await withCheckedContinuation { (continuation: CheckedContinuation<(any Channel)?, Never>) in
      ClientBootstrap(group: loop)
        .connectTimeout(.seconds(2))
        .binding(to: source)
        .channelOption(.socketOption(.tcp_nodelay), value: 1)
        .channelInitializer { [target, tls] channel in
          channel.eventLoop.makeCompletedFuture {
            if let tls {
              try channel.pipeline.syncOperations.addHandler(
                NIOSSLClientHandler(context: tls, serverHostname: target.serverName))
            }
            try channel.pipeline.syncOperations.addHTTPClientHandlers()
            try channel.pipeline.syncOperations.addHandler(ExchangeHandler(target: target))
          }
        }
        .connect(host: target.host, port: target.port)
        .whenComplete { continuation.resume(returning: try? $0.get()) }
    }
    return try? channel?.pipeline.syncOperations.handler(type: ExchangeHandler.self)
  }
}
