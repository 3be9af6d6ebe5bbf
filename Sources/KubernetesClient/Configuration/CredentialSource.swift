import FoundationEssentials

/// Hands out the credentials of the moment: reads token files again, and runs exec plugins when theirs have expired.
actor CredentialSource {
  /// What goes with a request.
  struct Current: Sendable {
    var token: String?
    /// Set only when a plugin handed it out; a fixed certificate belongs to the connection's configuration.
    var certificate: Credentials.Certificate?
  }

  private let bearer: Credentials.Bearer?
  private let rereadInterval: Duration
  private var fileToken: (text: String, readAt: ContinuousClock.Instant)?
  private var pluginCredential: ExecPlugin.Credential?
  private var running: Task<ExecPlugin.Credential, any Error>?

  /// - Parameter rereadInterval: how long a token file's content is taken for fresh. The kubelet renews a token after
  ///   80 % of its life, so that a minute is never too late.
  init(_ credentials: Credentials, rereadInterval: Duration = .seconds(60)) {
    bearer = credentials.bearer
    self.rereadInterval = rereadInterval
  }

  /// - Throws: ``ConfigurationError``.
  func current() async throws -> Current {
    switch bearer {
    case nil: return Current()
    case .token(let token): return Current(token: token)
    case .file(let path): return Current(token: try token(in: path))
    case .plugin(let plugin):
      let credential = try await credential(of: plugin)
      return Current(token: credential.token, certificate: credential.certificate)
    }
  }

  /// The server refused them: forget them. Says whether there is any hope that the next ones are others.
  func invalidate() -> Bool {
    fileToken = nil
    pluginCredential = nil
    switch bearer {
    case nil, .token: return false
    case .file, .plugin: return true
    }
  }

  private func token(in path: String) throws -> String {
    if let fileToken, fileToken.readAt.duration(to: .now) < rereadInterval { return fileToken.text }
    let remedy = "let the file hold a token and this user read it"
    let bytes: [UInt8]
    do {
      bytes = try ConfigurationFile.read(path, field: nil, remedy: remedy)
    } catch {
      // The file is being replaced just now: the old token is good for a while longer.
      if let fileToken { return fileToken.text }
      throw error
    }
    let text = ConfigurationFile.trimmedText(bytes)
    guard !text.isEmpty else { throw ConfigurationError(file: path, problem: "is empty", remedy: remedy) }
    fileToken = (text, .now)
    return text
  }

  /// However many requests wait, the plugin runs once.
  private func credential(of plugin: ExecPlugin) async throws -> ExecPlugin.Credential {
    if let known = pluginCredential, known.expiration.map({ $0 > Date.now }) ?? true { return known }
    let task = running ?? Task { try await plugin.run() }
    running = task
    // A waiting request may be cancelled; the plugin goes on for the others, bounded by its own time limit.
    let outcome = await task.result
    // Only the first to wake up keeps the result, so that a late one cannot bring back what was refused meanwhile.
    if running == task {
      running = nil
      if case .success(let credential) = outcome { pluginCredential = credential }
    }
    return try outcome.get()
  }
}
