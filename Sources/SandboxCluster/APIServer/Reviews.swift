import KubernetesClient
import KubernetesModels

extension APIServer {
  /// Answers the kinds that ask a question instead of storing something.
  func review(_ call: inout Call) throws -> KubernetesResponse {
    let (body, _) = try ObjectReader.parse(call.request.body, contentType: call.request.header("Content-Type"))
    var object = body
    object["kind"] = .string(call.info.kind)
    object["apiVersion"] = .string(call.info.apiVersion)
    switch call.info.kind {
    case "TokenReview":
      let audiences = body.itemsAt("spec", "audiences").compactMap(\.stringValue)
      let user = authenticate(bearerToken: body.textAt("spec", "token") ?? "", audiences: audiences)
      object["status"] =
        user.map { ["authenticated": true, "user": Self.document($0)] }
        ?? ["authenticated": false, "error": "[invalid bearer token]"]
    case "SelfSubjectReview": object["status"] = ["userInfo": Self.document(call.user)]
    case "SelfSubjectAccessReview": object["status"] = decision(call.user, body["spec"])
    case "SubjectAccessReview", "LocalSubjectAccessReview":
      let user = UserIdentity(
        name: body.textAt("spec", "user") ?? "", uid: body.textAt("spec", "uid"),
        groups: body.itemsAt("spec", "groups").compactMap(\.stringValue))
      object["status"] = decision(user, body["spec"])
    default: object["status"] = rulesStatus(call.user, namespace: body.textAt("spec", "namespace") ?? "")
    }
    return .json(201, object)
  }

  private func decision(_ user: UserIdentity, _ spec: JSONValue?) -> JSONValue {
    var wanted = AccessAttributes(verb: "")
    if let attributes = spec?["resourceAttributes"] {
      wanted.verb = attributes["verb"]?.stringValue ?? ""
      wanted.group = attributes["group"]?.stringValue ?? ""
      wanted.resource = attributes["resource"]?.stringValue ?? ""
      wanted.subresource = attributes["subresource"]?.stringValue ?? ""
      wanted.namespace = attributes["namespace"]?.stringValue ?? ""
      wanted.name = attributes["name"]?.stringValue ?? ""
    } else if let attributes = spec?["nonResourceAttributes"] {
      wanted.verb = attributes["verb"]?.stringValue ?? ""
      wanted.path = attributes["path"]?.stringValue ?? ""
    }
    return authorizer.isAllowed(user, wanted) ? ["allowed": true, "reason": "RBAC: allowed"] : ["allowed": false]
  }

  private func rulesStatus(_ user: UserIdentity, namespace: String) -> JSONValue {
    var rules = authorizer.rules(for: user, namespace: namespace)
    if user.isMaster { rules.append(["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]) }
    return [
      "resourceRules": .array(rules.filter { $0["resources"] != nil }),
      "nonResourceRules": .array(rules.filter { $0["nonResourceURLs"] != nil }), "incomplete": false,
    ]
  }

  private static func document(_ user: UserIdentity) -> JSONValue {
    var document: JSONValue = ["username": .string(user.name), "groups": JSONValue(user.groups)]
    if let uid = user.uid { document["uid"] = .string(uid) }
    if !user.extra.isEmpty { document["extra"] = .object(user.extra.mapValues { JSONValue($0) }) }
    return document
  }

  /// TokenRequest: a token for a service account, bound to a Pod if asked.
  func createToken(_ call: inout Call) throws -> KubernetesResponse {
    let (body, _) = try ObjectReader.parse(call.request.body, contentType: call.request.header("Content-Type"))
    let account = try stored(call)
    let seconds = body.intAt("spec", "expirationSeconds") ?? 3600
    guard seconds >= 600 else {
      throw APIStatusError(
        code: 422, reason: "Invalid",
        message:
          "TokenRequest.authentication.k8s.io \"\(call.target.name)\" is invalid: spec.expirationSeconds: Invalid value: \(seconds): "
          + "may not specify a duration less than 10 minutes")
    }
    var pod: (name: String, uid: String)?
    if body.textAt("spec", "boundObjectRef", "kind") == "Pod", let name = body.textAt("spec", "boundObjectRef", "name")
    {
      guard let live = self.object("", "pods", call.target.namespace, name) else {
        throw APIStatusError(code: 404, reason: "NotFound", message: "pods \"\(name)\" not found")
      }
      pod = (name, live.metadataUID)
    }
    let audiences = body.itemsAt("spec", "audiences").compactMap(\.stringValue)
    let token = try issueToken(
      namespace: account.name.namespace, serviceAccount: account.name.name, lifetime: seconds,
      audiences: audiences.isEmpty ? nil : audiences, pod: pod)
    var object = body
    object["kind"] = "TokenRequest"
    object["apiVersion"] = "authentication.k8s.io/v1"
    object["metadata"] = ["name": .string(account.name.name), "namespace": .string(account.name.namespace)]
    object["status"] = [
      "token": .string(token), "expirationTimestamp": .string((Timestamp.now + .seconds(seconds)).description),
    ]
    return .json(201, object)
  }
}
