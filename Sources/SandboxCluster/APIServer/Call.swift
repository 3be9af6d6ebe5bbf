import KubernetesClient
import KubernetesModels

/// One request on its way through the server: what was asked, by whom, and the warnings collected for the answer.
struct Call: Sendable {
  enum FieldValidation: Sendable { case ignore, warn, strict }

  let request: KubernetesRequest
  let target: RequestInfo
  let info: ResourceInfo
  let user: UserIdentity
  let form: Negotiation.Form
  private(set) var isDryRun: Bool
  let fieldManager: String
  let fieldValidation: FieldValidation
  var warnings: [String] = []

  init(_ request: KubernetesRequest, _ target: RequestInfo, _ info: ResourceInfo, _ user: UserIdentity)
    throws(APIStatusError)
  {
    self.request = request
    self.target = target
    self.info = info
    self.user = user
    form = try Negotiation(accept: request.header("Accept")).form
    isDryRun = try Self.dryRun(request)
    fieldManager = try Self.fieldManager(request)
    switch request.value("fieldValidation") {
    case nil, "", "Warn": fieldValidation = .warn
    case "Strict": fieldValidation = .strict
    case "Ignore": fieldValidation = .ignore
    case .some(let other):
      throw APIStatusError.badRequest(
        "fieldValidation: Unsupported value: \"\(other)\": supported values: \"Ignore\", \"Strict\", \"Warn\"")
    }
  }

  var objectName: ObjectName {
    ObjectName(namespace: info.isNamespaced ? target.namespace : "", name: target.name)
  }

  /// The same call with nothing to be stored.
  func asDryRun() -> Call {
    var copy = self
    copy.isDryRun = true
    return copy
  }

  func text(_ name: String) -> String? {
    request.value(name).flatMap { $0.isEmpty ? nil : $0 }
  }

  func flag(_ name: String) -> Bool {
    QueryFlag.isSet(request.value(name))
  }

  func number(_ name: String) throws(APIStatusError) -> Int? {
    guard let text = text(name) else { return nil }
    guard let number = Int(text) else {
      throw APIStatusError.badRequest("strconv.ParseInt: parsing \"\(text)\": invalid syntax (query parameter \(name))")
    }
    return number
  }

  private static func dryRun(_ request: KubernetesRequest) throws(APIStatusError) -> Bool {
    let values = request.query.filter { $0.name == "dryRun" && !$0.value.isEmpty }.map(\.value)
    for value in values where value != "All" {
      throw APIStatusError.badRequest("Invalid value for dryRun: \"\(value)\": supported values: \"All\"")
    }
    return !values.isEmpty
  }

  /// The manager that writes are recorded under: the query's, else the program's name out of the User-Agent.
  private static func fieldManager(_ request: KubernetesRequest) throws(APIStatusError) -> String {
    if let manager = request.value("fieldManager"), !manager.isEmpty {
      guard manager.utf8.count <= 128 else {
        throw APIStatusError.badRequest("fieldManager: Too long: may not be more than 128 bytes")
      }
      return manager
    }
    let agent = request.header("User-Agent") ?? "unknown"
    return agent.split(separator: "/").first.map(String.init) ?? "unknown"
  }
}

extension KubernetesRequest {
  func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }

  func value(_ name: String) -> String? {
    query.first { $0.name == name }?.value
  }
}
