import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Lets the kernel notice within a minute that the other end of a silent watch or stream is gone.
enum KeepAlive {
  static func enable(on channel: any Channel) -> EventLoopFuture<Void> {
    #if os(Linux)
      channel.setOption(.socketOption(.so_keepalive), value: 1)
        .flatMap { channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 30) }
        .flatMap { channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 10) }
        .flatMap { channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3) }
    #else
      channel.setOption(.socketOption(.so_keepalive), value: 1)
    #endif
  }
}
