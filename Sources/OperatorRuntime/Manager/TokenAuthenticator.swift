import KubernetesClient
import KubernetesModels
import Synchronization

/// Asks the API server who bears a token and what the bearer may do, and remembers the answer for a short while.
struct TokenAuthenticator: Sendable {
  enum Verdict: Sendable, Equatable {
    case allowed
    /// No token, or one that the API server does not know (401).
    case unknown
    /// Known, but without permission (403).
    case forbidden
    /// The API server could not be asked (503).
    case unavailable
  }

  private struct Memory: Sendable {
    var verdicts: [String: (verdict: Verdict, until: Duration)] = [:]
  }

  private final class Box: Sendable {
    let memory = Mutex(Memory())
  }

  /// A revoked token is answered for this long at most; kube-apiserver's own webhook cache keeps them two minutes.
  static let memoryDuration = Duration.seconds(60)
  static let memoryLimit = 1000

  let client: KubernetesClient
  let access: EndpointSecurity.Access
  let time: TimeSource
  private let box = Box()

  init(client: KubernetesClient, access: EndpointSecurity.Access, time: TimeSource) {
    self.client = client
    self.access = access
    self.time = time
  }

  /// - Parameter authorization: The request's `Authorization` header.
  func verdict(authorization: String?, path: String) async -> Verdict {
    guard access != .everybody else { return .allowed }
    guard let token = Self.token(in: authorization) else { return .unknown }
    let slot = path + "\n" + token
    let now = time.now
    if let known = box.memory.withLock({ $0.verdicts[slot] }), known.until > now { return known.verdict }
    let verdict = await ask(token, path)
    guard verdict != .unavailable else { return verdict }
    box.memory.withLock { memory in
      // Whoever tries tokens must not fill the memory.
      if memory.verdicts.count >= Self.memoryLimit { memory.verdicts = [:] }
      memory.verdicts[slot] = (verdict, now + Self.memoryDuration)
    }
    return verdict
  }

  private static func token(in header: String?) -> String? {
    let parts = (header ?? "").split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer", !parts[1].isEmpty else { return nil }
    return String(parts[1])
  }

  private func ask(_ token: String, _ path: String) async -> Verdict {
    do {
      let review = try await client.create(TokenReview(spec: TokenReviewSpec(token: token)))
      guard review.status?.authenticated == true, let user = review.status?.user else { return .unknown }
      guard access == .authorized else { return .allowed }
      let question = SubjectAccessReview(
        spec: SubjectAccessReviewSpec(
          groups: user.groups, nonResourceAttributes: NonResourceAttributes(path: path, verb: "get"), uid: user.uid,
          user: user.username))
      return try await client.create(question).status?.allowed == true ? .allowed : .forbidden
    } catch {
      return .unavailable
    }
  }
}
