import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// Every connection before HTTP: TLS where there is a certificate.
struct ConnectionChannel<Base: ServerChildChannel>: ServerChildChannel {
  let base: Base
  let tls: TLSContext?

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    channel.eventLoop.makeCompletedFuture {
      if let tls {
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.current))
      }
    }.flatMap { base.setup(channel: channel, logger: logger) }
  }

  func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
