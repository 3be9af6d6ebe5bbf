import KubernetesModels

/// Validation of Pods and Pod templates (core `ValidatePodSpec`): the mistakes that people make.
enum PodRules {
  /// - Parameter path: where the template stands (`spec.template`), empty for a Pod.
  static func validateTemplate(_ template: JSONValue, path: String, _ found: inout FieldFindings) {
    let spec = template["spec"] ?? [:]
    let base = path.isEmpty ? "spec" : "\(path).spec"
    if !path.isEmpty {
      for (key, value) in template.mapAt("metadata", "labels").sorted(by: { $0.key < $1.key }) {
        if let why = NameRules.qualifiedNameError(key) { found.invalid("\(path).metadata.labels", .string(key), why) }
        if let why = NameRules.labelValueError(value.stringValue ?? "") {
          found.invalid("\(path).metadata.labels", value, why)
        }
      }
    }
    let volumes = checkVolumes(spec, base, &found)
    if spec.itemsAt("containers").isEmpty { found.required("\(base).containers") }
    var names: Set<String> = []
    for list in ["initContainers", "containers"] {
      for (index, container) in spec.itemsAt(list).enumerated() {
        let place = "\(base).\(list)[\(index)]"
        if let name = container["name"]?.stringValue, !name.isEmpty, !names.insert(name).inserted {
          found.duplicate("\(place).name", .string(name))
        }
        checkContainer(container, place, volumes, isInit: list == "initContainers", &found)
      }
    }
    found.oneOf("\(base).restartPolicy", spec["restartPolicy"], ["Always", "OnFailure", "Never"])
    found.oneOf("\(base).dnsPolicy", spec["dnsPolicy"], ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"])
    if let account = spec["serviceAccountName"]?.stringValue, !account.isEmpty,
      let why = NameRules.subdomainError(account)
    {
      found.invalid("\(base).serviceAccountName", .string(account), why)
    }
    if let host = spec["hostname"]?.stringValue, !host.isEmpty, let why = NameRules.labelError(host) {
      found.invalid("\(base).hostname", .string(host), why)
    }
    if let domain = spec["subdomain"]?.stringValue, !domain.isEmpty, let why = NameRules.labelError(domain) {
      found.invalid("\(base).subdomain", .string(domain), why)
    }
    checkSpread(spec, base, &found)
  }

  private static func checkVolumes(_ spec: JSONValue, _ base: String, _ found: inout FieldFindings) -> Set<String> {
    var names: Set<String> = []
    for (index, volume) in spec.itemsAt("volumes").enumerated() {
      let place = "\(base).volumes[\(index)]"
      let name = volume["name"]?.stringValue ?? ""
      if name.isEmpty {
        found.required("\(place).name")
      } else if let why = NameRules.labelError(name) {
        found.invalid("\(place).name", .string(name), why)
      } else if !names.insert(name).inserted {
        found.duplicate("\(place).name", .string(name))
      }
      if (volume.objectValue ?? [:]).count > 2 { found.forbidden(place, "may not specify more than 1 volume type") }
      if let claim = volume["persistentVolumeClaim"], claim.textAt("claimName")?.isEmpty != false {
        found.required("\(place).persistentVolumeClaim.claimName")
      }
      if let secret = volume["secret"], secret.textAt("secretName")?.isEmpty != false {
        found.required("\(place).secret.secretName")
      }
      if let size = volume.at("emptyDir", "sizeLimit") { checkQuantity(size, "\(place).emptyDir.sizeLimit", &found) }
    }
    return names
  }

  private static func checkContainer(
    _ container: JSONValue, _ place: String, _ volumes: Set<String>, isInit: Bool, _ found: inout FieldFindings
  ) {
    let name = container["name"]?.stringValue ?? ""
    if name.isEmpty {
      found.required("\(place).name")
    } else if let why = NameRules.labelError(name) {
      found.invalid("\(place).name", .string(name), why)
    }
    let image = container["image"]?.stringValue ?? ""
    if image.isEmpty { found.required("\(place).image") }
    if image.first?.isWhitespace == true || image.last?.isWhitespace == true {
      found.invalid("\(place).image", .string(image), "must not have leading or trailing whitespace")
    }
    found.oneOf("\(place).imagePullPolicy", container["imagePullPolicy"], ["Always", "IfNotPresent", "Never"])
    checkPorts(container, place, &found)
    for (index, variable) in container.itemsAt("env").enumerated() {
      let key = variable["name"]?.stringValue ?? ""
      if key.isEmpty {
        found.required("\(place).env[\(index)].name")
      } else if let why = NameRules.environmentNameError(key) {
        found.invalid("\(place).env[\(index)].name", .string(key), why)
      }
      if variable["value"]?.stringValue?.isEmpty == false, variable["valueFrom"] != nil {
        found.invalid("\(place).env[\(index)].valueFrom", "", "may not be specified when `value` is not empty")
      }
    }
    var mounted: Set<String> = []
    for (index, mount) in container.itemsAt("volumeMounts").enumerated() {
      let volume = mount["name"]?.stringValue ?? ""
      if !volumes.contains(volume) { found.notFound("\(place).volumeMounts[\(index)].name", .string(volume)) }
      let target = mount["mountPath"]?.stringValue ?? ""
      if target.isEmpty {
        found.required("\(place).volumeMounts[\(index)].mountPath")
      } else if !mounted.insert(target).inserted {
        found.invalid("\(place).volumeMounts[\(index)].mountPath", .string(target), "must be unique")
      }
    }
    checkResources(container["resources"] ?? [:], "\(place).resources", &found)
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
      guard let value = container[probe], !value.isNull else { continue }
      if isInit, container["restartPolicy"] == nil {
        found.forbidden("\(place).\(probe)", "may not be set for init containers without restartPolicy=Always")
      }
      checkProbe(value, "\(place).\(probe)", mustSucceedOnce: probe != "readinessProbe", &found)
    }
  }

  private static func checkPorts(_ container: JSONValue, _ place: String, _ found: inout FieldFindings) {
    var names: Set<String> = []
    for (index, port) in container.itemsAt("ports").enumerated() {
      let number = port["containerPort"]?.intValue
      if number == nil { found.required("\(place).ports[\(index)].containerPort") }
      if let number, !(1...65535).contains(number) {
        found.invalid(
          "\(place).ports[\(index)].containerPort", port["containerPort"], "must be between 1 and 65535, inclusive")
      }
      found.oneOf("\(place).ports[\(index)].protocol", port["protocol"], ["TCP", "UDP", "SCTP"])
      guard let name = port["name"]?.stringValue else { continue }
      if name.utf8.count > 15 {
        found.invalid("\(place).ports[\(index)].name", .string(name), "must be no more than 15 characters")
      }
      if !names.insert(name).inserted { found.duplicate("\(place).ports[\(index)].name", .string(name)) }
    }
  }

  private static func checkProbe(
    _ probe: JSONValue, _ place: String, mustSucceedOnce: Bool, _ found: inout FieldFindings
  ) {
    let handlers = ["exec", "httpGet", "tcpSocket", "grpc"].filter { probe[$0] != nil }
    if handlers.isEmpty { found.required(place, "must specify a handler type") }
    if handlers.count > 1 { found.forbidden("\(place).\(handlers[1])", "may not specify more than 1 handler type") }
    for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
      found.atLeast("\(place).\(field)", probe[field], 0)
    }
    if mustSucceedOnce, let threshold = probe["successThreshold"]?.intValue, threshold != 1 {
      found.invalid("\(place).successThreshold", probe["successThreshold"], "must be 1")
    }
  }

  static func checkResources(_ resources: JSONValue, _ place: String, _ found: inout FieldFindings) {
    for kind in ["limits", "requests"] {
      for (name, amount) in resources.mapAt(kind).sorted(by: { $0.key < $1.key }) {
        checkQuantity(amount, "\(place).\(kind).\(name)", &found)
      }
    }
    for (name, request) in resources.mapAt("requests") {
      guard let limit = resources.at("limits", name).flatMap(quantity), let wanted = quantity(request) else { continue }
      if wanted > limit {
        found.invalid(
          "\(place).requests", request, "must be less than or equal to \(name) limit of \(limit.description)")
      }
    }
  }

  static func quantity(_ value: JSONValue) -> Quantity? {
    switch value {
    case .string(let text): Quantity(text)
    case .integer(let number): Quantity(Int(number))
    case .double(let number): Quantity("\(number)")
    default: nil
    }
  }

  static func checkQuantity(_ value: JSONValue, _ place: String, _ found: inout FieldFindings) {
    guard let amount = quantity(value) else {
      found.invalid(
        place, value,
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
      return
    }
    if amount < .zero { found.invalid(place, value, "must be greater than or equal to 0") }
  }

  private static func checkSpread(_ spec: JSONValue, _ base: String, _ found: inout FieldFindings) {
    for (index, constraint) in spec.itemsAt("topologySpreadConstraints").enumerated() {
      let place = "\(base).topologySpreadConstraints[\(index)]"
      if let skew = constraint["maxSkew"]?.intValue, skew <= 0 {
        found.invalid("\(place).maxSkew", constraint["maxSkew"], "must be greater than zero")
      }
      if constraint.textAt("topologyKey")?.isEmpty != false {
        found.required("\(place).topologyKey", "can not be empty")
      }
      found.oneOf("\(place).whenUnsatisfiable", constraint["whenUnsatisfiable"], ["DoNotSchedule", "ScheduleAnyway"])
    }
  }
}
