import KubernetesClient

/// A request's path and method in the terms of the API ("API terminology": verbs, resource URIs).
struct RequestInfo: Sendable, Equatable {
  /// get, list, watch, create, update, patch, delete, deletecollection; for other paths the method in lower case.
  var verb: String
  var isResourceRequest = false
  var group = ""
  var version = ""
  var namespace = ""
  var resource = ""
  var subresource = ""
  /// Parts after the subresource (`proxy` paths).
  var name = ""
  var path: String

  init(_ request: KubernetesRequest) {
    path = request.path
    verb = request.method.rawValue.lowercased()
    var parts = request.path.split(separator: "/").map { Self.decoded(String($0)) }
    guard let root = parts.first, root == "api" || root == "apis" else { return }
    parts.removeFirst()
    if root == "apis" {
      guard parts.count >= 2 else { return }
      group = parts.removeFirst()
    }
    guard !parts.isEmpty else { return }
    version = parts.removeFirst()
    var legacyWatch = false
    if parts.first == "watch" {
      legacyWatch = true
      parts.removeFirst()
    }
    guard !parts.isEmpty else { return }
    isResourceRequest = true
    if parts[0] == "namespaces", parts.count >= 2 {
      namespace = parts[1]
      // `/namespaces/x`, `/namespaces/x/status` and `/namespaces/x/finalize` are about the namespace itself.
      if parts.count > 2, !(parts.count == 3 && (parts[2] == "status" || parts[2] == "finalize")) {
        parts.removeFirst(2)
      }
    }
    resource = parts[0]
    if parts.count > 1 { name = parts[1] }
    if parts.count > 2 { subresource = parts[2] }
    verb = Self.verb(request, hasName: !name.isEmpty, legacyWatch: legacyWatch)
  }

  private static func verb(_ request: KubernetesRequest, hasName: Bool, legacyWatch: Bool) -> String {
    switch request.method {
    case .get, .head:
      // Anything but "false" and "0" is true, in any case (apimachinery: Convert_Slice_string_To_bool); Patroni sends
      // "True".
      let watch = request.query.last { $0.name == "watch" }.map { !["false", "0"].contains($0.value.lowercased()) }
      if legacyWatch || (!hasName && watch == true) { return "watch" }
      return hasName ? "get" : "list"
    case .post: return "create"
    case .put: return "update"
    case .patch: return "patch"
    case .delete: return hasName ? "delete" : "deletecollection"
    }
  }

  /// Undoes percent-encoding; malformed escapes stay as they are.
  static func decoded(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest.removeFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
