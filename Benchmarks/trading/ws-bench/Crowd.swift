import Glibc

/// All clients.
struct Crowd {
  /// Connections from one source address; each has about 28,000 ports.
  private static let clientsPerAddress = 5_000
  /// Clients that may wait for their handshake at the same time.
  private static let opening = 64
  /// Between two looks at the sockets, so that there is something to read on many of them. Part of the measured delay.
  private static let pause: UInt32 = 2_000

  struct NotAccepted: Error, CustomStringConvertible {
    let count: Int
    var description: String { "the server accepted \(count) connections and no more within 30 seconds" }
  }

  var recorder = Recorder()
  /// Connections that stand.
  private(set) var count = 0
  private let request: [UInt8]
  private let subscription: [UInt8]
  private var clients: [StreamClient] = []
  private let readiness: Readiness
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  init(request: [UInt8], subscription: [UInt8]) throws {
    self.request = request
    self.subscription = subscription
    readiness = try Readiness()
  }

  /// Opens `total` connections, waits until the server has accepted each, and then subscribes: prices on those that stand
  /// would only slow the opening of the others.
  mutating func open(_ total: Int, port: UInt16) throws {
    for number in 0..<total {
      let socket = try connectedSocket(from: UInt32(1 + number / Self.clientsPerAddress), to: port)
      clients.append(StreamClient(socket: socket))
      clients[number].write(request)
      try readiness.add(socket, index: number)
      try settle(within: Self.opening)
    }
    try settle(within: 0)
    for client in clients { client.write(subscription) }
  }

  /// Reads until at most `waiting` clients wait for their handshake.
  private mutating func settle(within waiting: Int) throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while clients.count - count > waiting {
      read(milliseconds: 100)
      if ContinuousClock.now > deadline { throw NotAccepted(count: count) }
    }
  }

  mutating func read(for duration: Duration) {
    let deadline = ContinuousClock.now + duration
    while ContinuousClock.now < deadline {
      read(milliseconds: 10)
      usleep(Self.pause)
    }
  }

  private mutating func read(milliseconds: Int32) {
    readiness.wait(milliseconds: milliseconds) { index in
      switch clients[index].read(buffer, &recorder) {
      case .waiting: break
      case .accepted: count += 1
      case .closed:
        close(clients[index].socket)
        count -= 1
      }
    }
  }
}
