import Foundation
import KubernetesModels
import Testing

/// Runs a target on mutated samples: for a second in a normal test run, for `RTX_FUZZ_SECONDS` when that is set, from the
/// seed `RTX_FUZZ_SEED` when that is.
///
/// What breaks is reproduced by its seed, which a failure names. A crash leaves the seed in
/// `kubernetes-client-fuzz-<target>.seed` in the temporary folder while a long run goes on.
enum Fuzz {
  private static let environment = ProcessInfo.processInfo.environment
  static let seconds = Double(environment["RTX_FUZZ_SECONDS"] ?? "") ?? 1
  private static let firstSeed = UInt64(environment["RTX_FUZZ_SEED"] ?? "") ?? 1
  private static let isLong = environment["RTX_FUZZ_SECONDS"] != nil
  /// Bytes by which the process may grow while a target runs; other tests run beside it.
  private static let growthLimit = 768 << 20

  /// - Parameter body: gets a generator; throws to say that the target broke a promise.
  static func run(_ target: String, _ body: (inout FuzzRandom) async throws -> Void) async throws {
    let end = ContinuousClock.now + .milliseconds(Int64(seconds * 1000))
    let before = residentBytes()
    let trace = NSTemporaryDirectory() + "kubernetes-client-fuzz-\(target).seed"
    var seed = firstSeed
    repeat {
      if isLong { try "\(seed)".write(toFile: trace, atomically: false, encoding: .utf8) }
      var random = FuzzRandom(seed: seed)
      do {
        try await body(&random)
      } catch {
        Issue.record("\(target): RTX_FUZZ_SEED=\(seed): \(error)")
        return
      }
      seed += 1
    } while ContinuousClock.now < end
    let growth = residentBytes() - before
    #expect(growth < growthLimit, "\(target) grew by \(growth >> 20) MiB")
    if isLong {
      print("\(target): \(seed - firstSeed) cases, \(growth >> 20) MiB more than before")
      try? FileManager.default.removeItem(atPath: trace)
    }
  }

  private static func residentBytes() -> Int {
    let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
    return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4096
  }
}

/// A promise that a target broke.
struct BrokenPromise: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// SplitMix64: the same seed gives the same case on every machine.
struct FuzzRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<max(bound, 1), using: &self) }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }
}

extension FuzzRandom {
  /// Flips, drops, repeats and inserts bytes.
  mutating func mutated(_ sample: [UInt8], pieces: [String]) -> [UInt8] {
    var bytes = sample
    for _ in 0..<(1 + below(6)) {
      let at = below(bytes.count + 1)
      switch below(6) {
      case 0 where at < bytes.count: bytes[at] = UInt8(below(256))
      case 1 where at < bytes.count: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(20)))
      case 2 where at < bytes.count:
        bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 1 + below(80))], at: below(bytes.count))
      case 3: bytes.insert(contentsOf: Array(pick(pieces).utf8), at: at)
      case 4:
        bytes.insert(contentsOf: [UInt8](repeating: pick(Array("{[\"- \n:&*<\\0".utf8)), count: 1 + below(400)), at: at)
      default: bytes.insert(UInt8(below(256)), at: at)
      }
    }
    return bytes
  }

  /// Any JSON value, small.
  mutating func json(depth: Int = 0) -> JSONValue {
    switch below(depth > 3 ? 6 : 9) {
    case 0: .null
    case 1: .bool(chance(50))
    case 2: .integer(pick([0, 1, -1, .max, .min, Int64(below(1000))]))
    case 3: .double(pick([0.5, -1e300, 1e-300, 3]))
    case 4, 5: .string(pick(["", "a", "name", "\u{0}", "\u{1F600}", "10Gi", "2026-01-01T00:00:00Z", "$patch", "/"]))
    case 6: .array((0..<below(4)).map { _ in json(depth: depth + 1) })
    default:
      .object(
        Dictionary((0..<below(4)).map { _ in (key(), json(depth: depth + 1)) }, uniquingKeysWith: { first, _ in first })
      )
    }
  }

  mutating func key() -> String {
    pick([
      "a", "b", "name", "metadata", "spec", "data", "labels", "containers", "$patch", "$retainKeys",
      "$setElementOrder/containers", "$deleteFromPrimitiveList/finalizers", "ports", "", "~1", "-", "0", "env",
      "template",
    ])
  }

  /// The value with some of its parts replaced, removed or added.
  mutating func mutated(_ value: JSONValue, depth: Int = 0) -> JSONValue {
    if chance(8) { return json(depth: depth) }
    switch value {
    case .array(var items):
      if chance(10), !items.isEmpty { items.remove(at: below(items.count)) }
      if chance(10) { items.append(json(depth: depth)) }
      for index in items.indices where chance(50) { items[index] = mutated(items[index], depth: depth + 1) }
      return .array(items)
    case .object(var fields):
      for name in fields.keys.sorted() where chance(50) {
        fields[name] = chance(8) ? nil : mutated(fields[name] ?? .null, depth: depth + 1)
      }
      if chance(15) { fields[key()] = json(depth: depth) }
      return .object(fields)
    default: return value
    }
  }
}
