import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Sockets in another network namespace.
enum NetworkNamespace {
  /// `setns(2)`, which the C library has but Swift's view of it leaves out.
  private typealias Enter = @convention(c) (Int32, Int32) -> Int32
  /// From linux/sched.h.
  private static let networkFlag: Int32 = 0x4000_0000

  /// Opens a TCP connection to 127.0.0.1 as seen from inside the namespace.
  ///
  /// A thread enters the namespace, makes the socket, which stays there for good, and returns.
  /// - Throws: `IOError` when nobody listens.
  static func connectLocally(_ path: String, port: Int) async throws -> Int32 {
    try await NIOThreadPool.singleton.runIfActive {
      guard let symbol = dlsym(nil, "setns") else { throw IOError(errnoCode: ENOSYS, reason: "setns") }
      let setns = unsafeBitCast(symbol, to: Enter.self)
      let home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
      let target = open(path, O_RDONLY | O_CLOEXEC)
      defer {
        if home >= 0 { close(home) }
        if target >= 0 { close(target) }
      }
      guard home >= 0, target >= 0, setns(target, networkFlag) == 0 else {
        throw IOError(errnoCode: errno, reason: "entering the pod's network")
      }
      defer {
        // A thread that cannot go back must not serve others.
        if setns(home, networkFlag) != 0 { pthread_exit(nil) }
      }
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
      // NIO's own sockaddr: the C library's members have two defining modules once a whole module is compiled at once.
      let result = try SocketAddress(ipAddress: "127.0.0.1", port: port).withSockAddr { address, size in
        connect(descriptor, address, socklen_t(size))
      }
      guard result == 0 else {
        let code = errno
        close(descriptor)
        throw IOError(errnoCode: code, reason: "connect to 127.0.0.1:\(port)")
      }
      return descriptor
    }
  }
}
