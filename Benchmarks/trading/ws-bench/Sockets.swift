import CEpoll
import Glibc

/// A call to the system that failed.
struct SystemError: Error, CustomStringConvertible {
  let call: String
  let number = errno
  var description: String { "\(call): \(String(cString: strerror(number)))" }
}

/// Waits for many sockets in few calls.
final class Readiness {
  private let descriptor: Int32
  private var events: [epoll_event]

  init() throws {
    descriptor = epoll_create1(0)
    guard descriptor >= 0 else { throw SystemError(call: "epoll_create1") }
    events = Array(repeating: epoll_event(), count: 4_096)
  }

  func add(_ socket: Int32, index: Int) throws {
    var event = epoll_event(events: EPOLLIN.rawValue | EPOLLRDHUP.rawValue, data: epoll_data_t(u64: UInt64(index)))
    guard epoll_ctl(descriptor, EPOLL_CTL_ADD, socket, &event) == 0 else { throw SystemError(call: "epoll_ctl") }
  }

  /// The indices of the sockets that can be read, after at most `milliseconds`.
  func wait(milliseconds: Int32, _ body: (Int) throws -> Void) rethrows {
    let count = epoll_wait(descriptor, &events, Int32(events.count), milliseconds)
    for event in events.prefix(Int(max(0, count))) { try body(Int(event.data.u64)) }
  }
}

/// A connected socket that never blocks, from 127.0.1.`address` to 127.0.0.1:`port`.
func connectedSocket(from address: UInt32, to port: UInt16) throws -> Int32 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else { throw SystemError(call: "socket") }
  var source = internetAddress(0x7f00_0100 + address, 0)
  var target = internetAddress(0x7f00_0001, port)
  let size = socklen_t(MemoryLayout<sockaddr_in>.size)
  func withAddress(_ value: inout sockaddr_in, _ call: (UnsafePointer<sockaddr>) -> Int32) -> Int32 {
    withUnsafePointer(to: &value) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0) } }
  }
  guard withAddress(&source, { bind(descriptor, $0, size) }) == 0 else { throw SystemError(call: "bind") }
  guard withAddress(&target, { connect(descriptor, $0, size) }) == 0 else { throw SystemError(call: "connect") }
  guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else { throw SystemError(call: "fcntl") }
  return descriptor
}

/// Lets the system acknowledge every other message, as a client does that talks back; it forgets that after each.
func delayAcknowledgement(_ socket: Int32) {
  var off: Int32 = 0
  setsockopt(socket, Int32(IPPROTO_TCP), TCP_QUICKACK, &off, socklen_t(MemoryLayout<Int32>.size))
}

private func internetAddress(_ address: UInt32, _ port: UInt16) -> sockaddr_in {
  var value = sockaddr_in()
  value.sin_family = sa_family_t(AF_INET)
  value.sin_port = port.bigEndian
  value.sin_addr.s_addr = address.bigEndian
  return value
}

/// Every connection is an open file.
func raiseFileLimit() {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  limit.rlim_cur = limit.rlim_max
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
