import FoundationEssentials
import NIOCore
import NIOSSL

/// Logs in, and stays logged in however long the run takes.
struct SessionKeeper: Sendable {
  private struct Tokens: Decodable {
    let accessToken, refreshToken: String
    /// Seconds.
    let expiresIn: Double
  }

  /// What all requests of the run carry.
  let token: SessionToken
  private let credentials: LoadOptions.Credentials?
  private let targets: [Target]
  private let patience: TimeAmount
  private let client: LoadWorker

  init(_ options: LoadOptions, patience: Duration, loop: any EventLoop, tls: NIOSSLContext?) {
    token = SessionToken(options.token)
    credentials = options.credentials
    targets = options.targets
    self.patience = .nanoseconds(patience.nanoseconds)
    client = LoadWorker(options: options, writer: .none, loop: loop, index: 0, count: 1, tls: tls)
  }

  /// Runs `body` with a session, if there is anybody to log in as. `onRenewal` hears of each token after the first.
  func run<Value: Sendable>(
    onRenewal: @escaping @Sendable (String) async -> Void, _ body: @Sendable () async throws -> Value
  ) async throws -> Value {
    guard let credentials else { return try await body() }
    let first = try await logIn(credentials)
    let renewal = Task { await keep(first, credentials, onRenewal) }
    let result: Result<Value, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    renewal.cancel()
    await renewal.value
    await client.close()
    return try result.get()
  }

  private func logIn(_ credentials: LoadOptions.Credentials) async throws(LoadError) -> Tokens {
    let body = json(["login": credentials.login, "password": credentials.password])
    switch await client.ask(.post("/api/session", body), until: .now() + patience) {
    case .failure(let error):
      throw .unreachable("no answer from \(targets.map(\.description).joined(separator: ", ")): \(error.rawValue)")
    case .success(let answer):
      guard let tokens = tokens(in: answer) else {
        throw .refused("\(credentials.login) cannot log in: \(answer.problem); check --login and RTX_PASSWORD")
      }
      token.renew(tokens.accessToken)
      return tokens
    }
  }

  /// Gets a new token when two thirds of the old one's time are over, until cancelled.
  private func keep(
    _ first: Tokens, _ credentials: LoadOptions.Credentials, _ onRenewal: @Sendable (String) async -> Void
  ) async {
    var tokens = first
    while (try? await Task.sleep(for: .seconds(tokens.expiresIn * 2 / 3))) != nil {
      let request = Request.post("/api/session/refresh", json(["refreshToken": tokens.refreshToken]))
      if case .success(let answer) = await client.ask(request, until: .now() + patience),
        let renewed = self.tokens(in: answer)
      {
        tokens = renewed
        token.renew(renewed.accessToken)
      } else if let renewed = try? await logIn(credentials) {
        // The answer to the refresh may have been lost, and its token is good for one use only.
        tokens = renewed
      } else {
        // The requests' refusals tell; it is tried again.
        continue
      }
      await onRenewal(tokens.accessToken)
    }
  }

  private func tokens(in answer: Answer) -> Tokens? {
    guard answer.status == 200 else { return nil }
    return try? JSONDecoder().decode(Tokens.self, from: Data(answer.body.readableBytesView))
  }

  private func json(_ fields: [String: String]) -> String {
    // Text can always be encoded.
    (try? JSONEncoder().encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
