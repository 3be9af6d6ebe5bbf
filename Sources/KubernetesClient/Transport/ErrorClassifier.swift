import AsyncHTTPClient
import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Turns what AsyncHTTPClient and NIO throw into ``KubernetesError``.
enum ErrorClassifier {
  static func classify(_ error: any Error, server: String) -> any Error {
    if error is KubernetesError || error is CancellationError { return error }
    if Task.isCancelled { return CancellationError() }
    if let error = error as? HTTPClientError { return classify(error, server: server) }
    if error is NIOTooManyBytesError {
      return KubernetesError.decoding("\(server): the answer is too long to be read into memory; ask for less")
    }
    return failure(kind(of: error), server, "\(error)")
  }

  private static func classify(_ error: HTTPClientError, server: String) -> any Error {
    switch error {
    case .cancelled, .requestStreamCancelled: return CancellationError()
    case .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout, .socksHandshakeTimeout:
      return failure(.unreachable, server, error.shortDescription)
    case .getConnectionFromPoolTimeout:
      return KubernetesError.timeout("\(server): all connections were busy for too long; the server may be overloaded")
    case .deadlineExceeded, .readTimeout, .writeTimeout:
      return KubernetesError.timeout("\(server): no answer in time; it may be overloaded")
    case .remoteConnectionClosed, .uncleanShutdown:
      return failure(.closed, server, error.shortDescription)
    default:
      return failure(.other, server, error.shortDescription)
    }
  }

  private static func kind(of error: any Error) -> TransportFailure.Kind {
    switch error {
    case let error as NIOConnectionError:
      if let first = error.connectionErrors.first { return kind(of: first.error) }
      return .nameNotResolved
    case let error as IOError:
      switch error.errnoCode {
      case ECONNREFUSED, ENOENT: return .refused
      case EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, ENETDOWN, EHOSTDOWN: return .unreachable
      case ECONNRESET, EPIPE, ECONNABORTED: return .closed
      default: return .other
      }
    case ChannelError.connectTimeout: return .unreachable
    case ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed, ChannelError.eof, ChannelError.inputClosed,
      ChannelError.outputClosed:
      return .closed
    case is SocketAddressError: return .nameNotResolved
    case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: return tlsKind(of: error)
    default: return .other
    }
  }

  /// A handshake that is cut short by the other end is no verdict on certificates.
  private static func tlsKind(of error: any Error) -> TransportFailure.Kind {
    switch error {
    case NIOSSLError.uncleanShutdown: .closed
    case NIOSSLError.handshakeFailed(.syscallError), NIOSSLError.handshakeFailed(.zeroReturn): .closed
    default: .certificate
    }
  }

  private static func failure(
    _ kind: TransportFailure.Kind, _ server: String, _ message: String
  ) -> KubernetesError {
    .transport(TransportFailure(kind: kind, server: server, message: message))
  }
}
