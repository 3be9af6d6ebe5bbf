public import KubernetesClient
public import SandboxCluster
import Synchronization

/// An API server in this process, for tests: real verbs, watches, server-side apply, admission and RBAC, no nodes.
///
/// ```swift
/// let server = try TestAPIServer()
/// let client = server.client
/// ```
public final class TestAPIServer: Sendable {
  /// The server itself.
  public let server: APIServer
  private let frontEnds = Mutex<[APIServerFrontEnd]>([])

  /// - Parameters:
  ///   - eventHistory: How many changes a watch may lie back before it gets a 410; few, to see it happen.
  ///   - bookmarkInterval: How often a quiet watch gets a bookmark.
  /// - Throws: When keys can't be made.
  public init(eventHistory: Int = 2_500, bookmarkInterval: Duration = .seconds(1)) throws {
    var configuration = APIServer.Configuration()
    configuration.eventHistory = eventHistory
    configuration.bookmarkInterval = bookmarkInterval
    server = try APIServer(configuration: configuration)
  }

  /// A way to the server without a network, for an administrator.
  public var transport: InProcessTransport { InProcessTransport(server: server, user: .admin) }

  /// A client of an administrator.
  public var client: KubernetesClient { KubernetesClient(transport: transport) }

  /// A client of somebody else, with the rights that RBAC gives.
  public func client(as user: UserIdentity) -> KubernetesClient { server.client(as: user) }

  /// Serves over TLS on a free port of this machine, until `stop`.
  /// - Returns: Address and an administrator's kubeconfig.
  public func serve() async throws -> (url: String, kubeconfig: String) {
    let frontEnd = APIServerFrontEnd(server: server)
    frontEnds.withLock { $0.append(frontEnd) }
    let port = try await frontEnd.bind(host: "127.0.0.1", port: 0)
    let url = "https://127.0.0.1:\(port)"
    return (url, server.adminKubeconfig(server: url))
  }

  /// Ends every connection that came through `serve`.
  public func stop() async throws {
    let running = frontEnds.withLock { frontEnds in
      defer { frontEnds = [] }
      return frontEnds
    }
    for frontEnd in running { try await frontEnd.shutdown() }
  }
}
