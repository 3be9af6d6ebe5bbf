import Synchronization

/// The generated credentials as they were last seen, for as long as the operator runs.
///
/// The database keeps its passwords when a Secret is deleted or edited, so a Secret that comes back must hold the same
/// ones. Nothing else could give them back.
final class CredentialMemory: Sendable {
  private let known = Mutex<[String: [String: String]]>([:])

  /// Remembers keys that are new, and gives back all that were ever seen for this owner, first values first.
  /// - Parameter owner: `<uid of the platform>/<name of the Secret>`.
  func recall(_ owner: String, adding data: [String: String]) -> [String: String] {
    known.withLock { known in
      let merged = (known[owner] ?? [:]).merging(data) { old, _ in old }
      known[owner] = merged
      return merged
    }
  }

  /// Forgets a platform that is gone.
  func forget(prefix uid: String) {
    known.withLock { known in known = known.filter { !$0.key.hasPrefix(uid + "/") } }
  }
}
