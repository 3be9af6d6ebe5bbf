import KubernetesModels

/// The short hash of a pod template in names and labels: `pod-template-hash`, `controller-revision-hash`.
///
/// FNV-1a over the canonical JSON, written in the alphabet that Kubernetes uses for generated names: no vowels and no
/// digits that look like letters, so that no words come out.
enum TemplateHash {
  static let deploymentLabel = "pod-template-hash"
  static let statefulSetLabel = "controller-revision-hash"

  private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")

  static func of(_ template: PodTemplateSpec, collisions: Int = 0) throws -> String {
    of(try JSONValue(encoding: template).serialized(), collisions: collisions)
  }

  static func of(_ bytes: [UInt8], collisions: Int = 0) -> String {
    var hash: UInt32 = 2_166_136_261
    for byte in bytes + Array("#\(collisions)".utf8) {
      hash ^= UInt32(byte)
      hash &*= 16_777_619
    }
    return String(String(hash).utf8.map { alphabet[Int($0) % alphabet.count] })
  }

  /// Five random characters, as the server appends them to a `generateName`.
  static func randomSuffix() -> String {
    String((0..<5).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
  }
}
