import COpenSSL
import FoundationEssentials
import KubernetesModels

/// Issues and checks service-account tokens: JWTs signed with ES256 (RFC 7515, RFC 7518), with the claims of bound
/// tokens.
struct ServiceAccountTokens: Sendable {
  /// What a valid token says.
  struct Claims: Sendable, Equatable {
    var namespace: String
    var name: String
    var uid: String
    var audiences: [String]
    var expires: Timestamp
    var podName: String?
    var podUID: String?
  }

  let issuer: String
  private let key: PrivateKey

  init(issuer: String) throws {
    self.issuer = issuer
    key = try PrivateKey()
  }

  func issue(_ claims: Claims) throws(SecurityError) -> String {
    var kubernetes: JSONValue = [
      "namespace": .string(claims.namespace),
      "serviceaccount": ["name": .string(claims.name), "uid": .string(claims.uid)],
    ]
    if let pod = claims.podName { kubernetes["pod"] = ["name": .string(pod), "uid": .string(claims.podUID ?? "")] }
    let now = Timestamp.now.secondsSinceEpoch
    let payload: JSONValue = [
      "iss": .string(issuer), "sub": .string("system:serviceaccount:\(claims.namespace):\(claims.name)"),
      "aud": .array(claims.audiences.map(JSONValue.string)), "iat": .integer(now), "nbf": .integer(now),
      "exp": .integer(claims.expires.secondsSinceEpoch), "kubernetes.io": kubernetes,
    ]
    let header: JSONValue = ["alg": "ES256", "typ": "JWT", "kid": "sandbox"]
    let signed = Base64URL.encode(header.serialized()) + "." + Base64URL.encode(payload.serialized())
    let signature = try Self.joined(try key.sign(Array(signed.utf8)))
    return signed + "." + Base64URL.encode(signature)
  }

  /// The claims of a token that this server signed and that is still good; nil otherwise.
  func verify(_ token: String, now: Timestamp = .now) -> Claims? {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let signature = Base64URL.decode(parts[2]), let der = Self.split(signature),
      key.verifies(der, of: Array("\(parts[0]).\(parts[1])".utf8)),
      let payload = Base64URL.decode(parts[1]).flatMap({ try? JSONValue(parsing: $0) }),
      payload["iss"]?.stringValue == issuer, let expires = payload["exp"]?.intValue,
      Int64(expires) > now.secondsSinceEpoch, let kubernetes = payload["kubernetes.io"]
    else { return nil }
    return Claims(
      namespace: kubernetes.textAt("namespace") ?? "", name: kubernetes.textAt("serviceaccount", "name") ?? "",
      uid: kubernetes.textAt("serviceaccount", "uid") ?? "",
      audiences: payload["aud"]?.arrayValue?.compactMap(\.stringValue) ?? [],
      expires: Timestamp(secondsSinceEpoch: Int64(expires)), podName: kubernetes.textAt("pod", "name"),
      podUID: kubernetes.textAt("pod", "uid"))
  }

  /// DER to the 64 bytes `r || s` that JWS wants (RFC 7518, 3.4).
  private static func joined(_ der: [UInt8]) throws(SecurityError) -> [UInt8] {
    let parsed = der.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      return d2i_ECDSA_SIG(nil, &start, bytes.count)
    }
    let signature = try required(parsed, "signature")
    defer { ECDSA_SIG_free(signature) }
    var raw = [UInt8](repeating: 0, count: 64)
    let written = raw.withUnsafeMutableBufferPointer { buffer in
      BN_bn2binpad(ECDSA_SIG_get0_r(signature), buffer.baseAddress, 32) == 32
        && BN_bn2binpad(ECDSA_SIG_get0_s(signature), buffer.baseAddress.map { $0 + 32 }, 32) == 32
    }
    guard written else { throw SecurityError("signature") }
    return raw
  }

  private static func split(_ raw: [UInt8]) -> [UInt8]? {
    guard raw.count == 64, let signature = ECDSA_SIG_new() else { return nil }
    defer { ECDSA_SIG_free(signature) }
    let r = BN_bin2bn(Array(raw[0..<32]), 32, nil)
    let s = BN_bin2bn(Array(raw[32..<64]), 32, nil)
    guard ECDSA_SIG_set0(signature, r, s) == 1 else { return nil }
    var pointer: UnsafeMutablePointer<UInt8>?
    let length = i2d_ECDSA_SIG(signature, &pointer)
    guard length > 0, let pointer else { return nil }
    defer { CRYPTO_free(pointer, "", 0) }
    return Array(UnsafeBufferPointer(start: pointer, count: Int(length)))
  }
}

/// Base64 for URLs without padding (RFC 4648, 5).
enum Base64URL {
  static func encode(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  static func decode(_ text: String) -> [UInt8]? {
    var padded = text.replacing("-", with: "+").replacing("_", with: "/")
    while padded.utf8.count % 4 != 0 { padded += "=" }
    return Data(base64Encoded: padded).map(Array.init)
  }
}

/// Base64 of texts, as kubeconfigs carry PEM.
enum Base64 {
  static func encode(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
}
