import FoundationEssentials
import NIOSSL

/// Hands out the credentials of the moment: reads token, certificate and authority files again, and runs exec plugins
/// when theirs have expired.
actor CredentialSource {
  /// What goes with a request.
  struct Current: Sendable {
    var token: String?
    var tls: TLSConfiguration
    /// Whether `tls` is another one than at the start.
    var isRenewed = false
  }

  private let bearer: Credentials.Bearer?
  private let rereadInterval: Duration
  private let initial: TLSMaterial
  private let baseTLS: TLSConfiguration
  private var fileToken: (text: String, readAt: ContinuousClock.Instant)?
  private var pluginCredential: ExecPlugin.Credential?
  private var running: Task<ExecPlugin.Credential, any Error>?
  private var material: (value: TLSMaterial, readAt: ContinuousClock.Instant)
  /// The configuration for a material that is not the first one.
  private var renewed: (material: TLSMaterial, tls: TLSConfiguration)?

  /// - Parameter rereadInterval: how long a file's content is taken for fresh. The kubelet renews a token after 80 % of
  ///   its life, so that a minute is never too late.
  init(_ configuration: ClusterConfiguration, tls: TLSConfiguration, rereadInterval: Duration = .seconds(60)) {
    bearer = configuration.credentials.bearer
    self.rereadInterval = rereadInterval
    initial = TLSMaterial(configuration)
    baseTLS = tls
    material = (initial, .now)
  }

  /// - Throws: ``ConfigurationError``.
  func current() async throws -> Current {
    var token: String?
    var wanted = reread()
    switch bearer {
    case nil: break
    case .token(let text): token = text
    case .file(let path): token = try self.token(in: path)
    case .plugin(let plugin):
      let credential = try await credential(of: plugin)
      token = credential.token
      if let certificate = credential.certificate { wanted.certificate = certificate }
    }
    guard wanted != initial else { return Current(token: token, tls: baseTLS) }
    return Current(token: token, tls: try tls(for: wanted), isRenewed: true)
  }

  /// The server refused them: forget them. Says whether there is any hope that the next ones are others.
  func invalidate() -> Bool {
    fileToken = nil
    pluginCredential = nil
    let before = material.value
    let after = reread(evenIfFresh: true)
    switch bearer {
    case nil, .token: return after != before
    case .file, .plugin: return true
    }
  }

  private func tls(for wanted: TLSMaterial) throws -> TLSConfiguration {
    if let renewed, renewed.material == wanted { return renewed.tls }
    let tls = try wanted.applied(to: baseTLS)
    renewed = (wanted, tls)
    return tls
  }

  /// What the files hold now. Files that are just being replaced (missing, or a certificate without its key yet) leave
  /// the old material in use.
  private func reread(evenIfFresh: Bool = false) -> TLSMaterial {
    guard initial.hasFiles else { return initial }
    guard evenIfFresh || material.readAt.duration(to: .now) >= rereadInterval else { return material.value }
    let next = material.value.reread()
    if next == material.value || next.isConsistent(with: baseTLS) { material.value = next }
    material.readAt = .now
    return material.value
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
