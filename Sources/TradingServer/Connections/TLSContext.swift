import FoundationEssentials
import Logging
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The certificate that new connections get. Renewed files are taken over without a restart.
final class TLSContext: Service, Sendable {
  private static let interval: Duration = .seconds(5)

  private struct State {
    var context: NIOSSLContext
    var contents: [Data?]
  }
  private let files: TLSFiles
  private let logger: Logger
  private let state: Mutex<State>

  init(files: TLSFiles, logger: Logger) throws {
    self.files = files
    self.logger = logger
    state = Mutex(State(context: try Self.load(files), contents: Self.contents(files)))
  }

  var current: NIOSSLContext { state.withLock { $0.context } }

  /// Reads the files. TLS 1.2 and later.
  static func load(_ files: TLSFiles) throws -> NIOSSLContext {
    let chain = try NIOSSLCertificate.fromPEMFile(files.certificate).map { NIOSSLCertificateSource.certificate($0) }
    let key = try NIOSSLPrivateKey(file: files.key, format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["http/1.1"]
    return try NIOSSLContext(configuration: configuration)
  }

  /// Looks at the files until shut down.
  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        try? await Task.sleep(for: Self.interval)
        self.reloadIfChanged()
      }
    }
  }

  /// Keeps the old certificate when the new files cannot be used, and tries again when they change.
  func reloadIfChanged() {
    let contents = Self.contents(files)
    guard contents != state.withLock({ $0.contents }) else { return }
    do {
      let context = try Self.load(files)
      state.withLock { $0 = State(context: context, contents: contents) }
      logger.notice("took over a renewed certificate")
    } catch {
      state.withLock { $0.contents = contents }
      logger.error("the renewed certificate cannot be used; the old one stays", metadata: ["error": "\(error)"])
    }
  }

  /// What the files hold. They are small, and times of files prove little: Kubernetes replaces a mounted Secret by moving
  /// a symbolic link.
  private static func contents(_ files: TLSFiles) -> [Data?] {
    [files.certificate, files.key].map { try? Data(contentsOf: URL(filePath: $0)) }
  }
}
