import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Puts an `APIServer` behind HTTP/1.1 over TLS, on as many addresses as wanted.
public final class APIServerFrontEnd: Sendable {
  private let server: APIServer
  private let group: MultiThreadedEventLoopGroup
  private let listeners = Mutex<[any Channel]>([])
  /// Open connections, so that a shutdown can end watches.
  private let connections = Mutex<[ObjectIdentifier: any Channel]>([:])

  public init(server: APIServer, threads: Int = 2) {
    self.server = server
    group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
  }

  /// Listens on one more address; port 0 takes any free one.
  ///
  /// The certificate shown there is good for that address, `localhost` and the Service `kubernetes`.
  ///
  /// - Returns: the port.
  /// - Throws: `SecurityError`, `NIOSSLError`, `IOError` when the address is taken.
  @discardableResult
  public func bind(host: String, port: Int) async throws -> Int {
    let server = server
    let context = try tlsContext(host: host)
    let channel = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { [weak self] channel in
        self?.track(channel)
        return channel.eventLoop.makeCompletedFuture {
          let sync = channel.pipeline.syncOperations
          try sync.addHandler(NIOSSLServerHandler(context: context))
          try sync.addHandler(HTTPResponseEncoder())
          try sync.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)))
          try sync.addHandler(ConnectionHandler(server: server))
        }
      }
      .bind(host: host, port: port).get()
    listeners.withLock { $0.append(channel) }
    return channel.localAddress?.port ?? port
  }

  private func track(_ channel: any Channel) {
    let key = ObjectIdentifier(channel)
    connections.withLock { $0[key] = channel }
    channel.closeFuture.whenComplete { [weak self] _ in
      self?.connections.withLock { $0[key] = nil }
    }
  }

  /// Stops listening, ends every connection and frees the threads.
  public func shutdown() async throws {
    let (sockets, open) = (listeners.withLock { $0 }, connections.withLock { Array($0.values) })
    for channel in sockets + open { channel.close(promise: nil) }
    try await group.shutdownGracefully()
  }

  private func tlsContext(host: String) throws -> NIOSSLContext {
    let service = "kubernetes.default.svc"
    var names = [
      "localhost", "kubernetes", "kubernetes.default", service, "\(service).\(server.configuration.clusterDomain)",
    ]
    var addresses: Set = ["127.0.0.1", server.services.first]
    if IPv4.parse(host) != nil { addresses.insert(host) } else { names.append(host) }
    let identity = try server.certificateAuthority.issue(
      commonName: "kube-apiserver", usage: .server(dnsNames: names, addresses: addresses.sorted()))
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8)).map {
        .certificate($0)
      },
      privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.privateKeyPEM.utf8), format: .pem)))
    configuration.minimumTLSVersion = .tlsv12
    // A client may show a certificate; one that our authority did not sign ends the handshake.
    configuration.certificateVerification = .optionalVerification
    configuration.trustRoots = .certificates(
      try NIOSSLCertificate.fromPEMBytes(Array(server.certificateAuthority.certificatePEM.utf8)))
    configuration.applicationProtocols = ["http/1.1"]
    return try NIOSSLContext(configuration: configuration)
  }
}
