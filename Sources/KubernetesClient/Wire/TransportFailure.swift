/// A request that got no answer.
public struct TransportFailure: Error, Sendable, Equatable {
  /// What broke.
  public enum Kind: Sendable, Equatable {
    /// Nothing listens at the address.
    case refused
    /// The address is not reachable, or nobody answered the connection attempt.
    case unreachable
    /// The host name has no address.
    case nameNotResolved
    /// The server's or our certificate was not accepted; retrying does not help.
    case certificate
    /// The connection broke while the request or the answer was under way.
    case closed
    /// Anything else.
    case other
  }

  /// What broke.
  public var kind: Kind
  /// The server's base URL.
  public var server: String
  /// What the system said about it.
  public var message: String

  /// Makes a failure.
  public init(kind: Kind, server: String, message: String) {
    self.kind = kind
    self.server = server
    self.message = message
  }

  /// Whether the server may have acted on the request although no answer came.
  public var mayHaveBeenProcessed: Bool { kind == .closed || kind == .other }
}

extension TransportFailure: CustomStringConvertible {
  public var description: String {
    switch kind {
    case .refused:
      "\(server) refuses connections (\(message)); is the API server up, and is the address right?"
    case .unreachable:
      "\(server) does not answer (\(message)); check network, firewall and the address"
    case .nameNotResolved:
      "the host of \(server) has no address (\(message)); check the name and DNS"
    case .certificate:
      "no trusted connection to \(server) (\(message)); check certificate-authority, tls-server-name and the "
        + "client certificate's expiry"
    case .closed:
      "the connection to \(server) broke (\(message)); what was asked may or may not have happened: read, then retry"
    case .other:
      "the request to \(server) failed (\(message))"
    }
  }
}
