import CCrypt
import HTTPTypes
import NIOPosix
import Synchronization

/// Checks and makes bcrypt hashes with the platform's crypt(3), on a thread of its own: each takes tens of milliseconds
/// on purpose, which neither the event loops nor Swift's shared threads can spare.
final class PasswordHasher: Sendable {
  /// More are turned away: they would only wait longer than a client does.
  static let maximumWaiting = 32
  /// bcrypt reads no further.
  static let maximumPasswordLength = 72

  private let pool: NIOThreadPool
  private let waiting = Atomic<Int>(0)
  private let cost: UInt

  /// - Parameter cost: of new hashes, base-2 logarithm of the rounds: 10 is what OWASP's cheat sheet asks at least.
  init(cost: UInt = 10) {
    self.cost = cost
    pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
  }

  deinit { pool.shutdownGracefully { _ in } }

  /// Whether the password leads to the hash. Without a hash it takes as long and is false, so that nobody learns from
  /// the time which logins exist.
  func matches(_ password: String, hash: String?) async throws(APIError) -> Bool {
    // Of the empty password with cost 10; what it is does not matter, its cost does.
    let reference = hash ?? "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
    let isMatch = try await run { Self.crypt(password, reference) == reference }
    return isMatch && hash != nil && Self.isAcceptable(password)
  }

  /// A new bcrypt hash with a random salt.
  func hash(_ password: String) async throws(APIError) -> String {
    let cost = cost
    let hash = try await run { Self.salt(cost: cost).flatMap { Self.crypt(password, $0) } }
    guard let hash, Self.isHash(hash) else { throw APIError.internalError }
    return hash
  }

  /// Whether bcrypt takes every byte of the password into account.
  static func isAcceptable(_ password: String) -> Bool {
    (1...maximumPasswordLength).contains(password.utf8.count) && !password.utf8.contains(0)
  }

  /// `$2b$`, two digits, `$` and 53 characters, with the older names of the same algorithm.
  static func isHash(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 60, ["$2a$", "$2b$", "$2y$"].contains(String(text.prefix(4))), bytes[6] == UInt8(ascii: "$"),
      let cost = Int(text.dropFirst(4).prefix(2)), (4...31).contains(cost)
    else { return false }
    return bytes[7...].allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: ".")...UInt8(ascii: "9"): true
      default: false
      }
    }
  }

  private func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws(APIError) -> Value {
    defer { waiting.subtract(1, ordering: .relaxed) }
    guard waiting.add(1, ordering: .relaxed).newValue <= Self.maximumWaiting else {
      throw APIError(
        .serviceUnavailable, "busy", "too many logins at once", remedy: "try again in a moment", retryAfter: 1)
    }
    do {
      return try await pool.runIfActive(body)
    } catch {
      throw .shuttingDown
    }
  }

  private static func crypt(_ password: String, _ setting: String) -> String? {
    withUnsafeTemporaryAllocation(of: crypt_data.self, capacity: 1) { buffer in
      guard let data = buffer.baseAddress else { return nil }
      data.initialize(to: crypt_data())
      // What is left of the password in the scratch space goes with it.
      defer { data.update(repeating: crypt_data(), count: 1) }
      return crypt_r(password, setting, data).map { String(cString: $0) }
    }
  }

  private static func salt(cost: UInt) -> String? {
    let random = randomBytes(16).map { CChar(bitPattern: $0) }
    var output = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
    return crypt_gensalt_rn("$2b$", cost, random, Int32(random.count), &output, Int32(output.count))
      .map { String(cString: $0) }
  }
}
