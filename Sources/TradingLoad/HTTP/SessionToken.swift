import Synchronization

/// The bearer token that requests carry at the moment. It is looked up when a request is sent, so that a retry after
/// minutes does not show one that has expired.
final class SessionToken: Sendable {
  private let text: Mutex<String?>

  /// - Parameter text: nil for requests without a token.
  init(_ text: String? = nil) { self.text = Mutex(text) }

  var current: String? { text.withLock { $0 } }

  func renew(_ text: String) { self.text.withLock { $0 = text } }
}
