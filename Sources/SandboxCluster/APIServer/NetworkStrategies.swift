import KubernetesModels

struct ServiceStrategy: ResourceStrategy {
  func nameError(_ name: String) -> String? { NameRules.dns1035LabelError(name) }

  func applyDefaults(_ object: inout JSONValue) {
    object.setDefault([:], "spec")
    object.change("spec") { spec in
      spec.setDefault("ClusterIP", "type")
      spec.setDefault("None", "sessionAffinity")
      if spec.textAt("sessionAffinity") == "ClientIP" {
        spec.setDefault(10_800, "sessionAffinityConfig", "clientIP", "timeoutSeconds")
      } else {
        spec["sessionAffinityConfig"] = nil
      }
      spec.changeItems("ports") { port in
        port.setDefault("TCP", "protocol")
        if let number = port["port"] { port.setDefault(number, "targetPort") }
      }
      let type = spec.textAt("type") ?? ""
      if type != "ExternalName" {
        spec.setDefault("Cluster", "internalTrafficPolicy")
        spec.setDefault(["IPv4"], "ipFamilies")
        spec.setDefault("SingleStack", "ipFamilyPolicy")
      }
      if type == "NodePort" || type == "LoadBalancer" { spec.setDefault("Cluster", "externalTrafficPolicy") }
      if type == "LoadBalancer" { spec.setDefault(true, "allocateLoadBalancerNodePorts") }
    }
  }

  func prepareForCreate(_ object: inout JSONValue) { object["status"] = ["loadBalancer": [:]] }

  /// A client that leaves the address out means to keep it.
  func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, subresource: String) {
    guard object.textAt("spec", "type") != "ExternalName", old.textAt("spec", "type") != "ExternalName" else { return }
    for field in ["clusterIP", "clusterIPs"] {
      if let kept = old.at("spec", field) { object.setDefault(kept, "spec", field) }
    }
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    let spec = object["spec"] ?? [:]
    let type = spec.textAt("type") ?? ""
    found.oneOf("spec.type", spec["type"], ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"])
    found.oneOf("spec.sessionAffinity", spec["sessionAffinity"], ["ClientIP", "None"])
    let isHeadless = spec.textAt("clusterIP") == "None"
    if type == "ExternalName" {
      if spec.textAt("externalName")?.isEmpty != false { found.required("spec.externalName") }
    } else if spec.itemsAt("ports").isEmpty, !isHeadless {
      found.required("spec.ports")
    }
    if isHeadless, type != "ClusterIP" {
      found.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for \(type) services")
    }
    checkPorts(spec, &found)
    if let seconds = spec.intAt("sessionAffinityConfig", "clientIP", "timeoutSeconds"), !(1...86_400).contains(seconds)
    {
      found.invalid(
        "spec.sessionAffinityConfig.clientIP.timeoutSeconds", .integer(Int64(seconds)),
        "must be greater than 0 and less than 86400")
    }
    guard let old, type != "ExternalName", old.textAt("spec", "type") != "ExternalName" else { return }
    let before = old.textAt("spec", "clusterIP") ?? ""
    if !before.isEmpty, before != spec.textAt("clusterIP") {
      found.invalid("spec.clusterIPs[0]", spec["clusterIPs"] ?? spec["clusterIP"], "may not change once set")
    }
  }

  private func checkPorts(_ spec: JSONValue, _ found: inout FieldFindings) {
    let ports = spec.itemsAt("ports")
    var names: Set<String> = []
    var taken: Set<String> = []
    for (index, port) in ports.enumerated() {
      let place = "spec.ports[\(index)]"
      let name = port["name"]?.stringValue ?? ""
      if ports.count > 1, name.isEmpty { found.required("\(place).name") }
      if !name.isEmpty {
        if let why = NameRules.labelError(name) { found.invalid("\(place).name", .string(name), why) }
        if !names.insert(name).inserted { found.duplicate("\(place).name", .string(name)) }
      }
      if let number = port["port"]?.intValue, !(1...65_535).contains(number) {
        found.invalid("\(place).port", port["port"], "must be between 1 and 65535, inclusive")
      }
      if let target = port["targetPort"]?.intValue, !(1...65_535).contains(target) {
        found.invalid("\(place).targetPort", port["targetPort"], "must be between 1 and 65535, inclusive")
      }
      found.oneOf("\(place).protocol", port["protocol"], ["SCTP", "TCP", "UDP"])
      let key = "\(port["protocol"]?.stringValue ?? "")/\(port["port"]?.intValue ?? 0)"
      if !taken.insert(key).inserted { found.duplicate(place, port) }
    }
  }
}

struct IngressStrategy: ResourceStrategy {
  func prepareForCreate(_ object: inout JSONValue) { object["status"] = ["loadBalancer": [:]] }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    let spec = object["spec"] ?? [:]
    if spec.itemsAt("rules").isEmpty, spec["defaultBackend"] == nil {
      found.invalid("spec", spec, "either `defaultBackend` or `rules` must be specified")
    }
    if let backend = spec["defaultBackend"] { checkBackend(backend, "spec.defaultBackend", &found) }
    for (index, rule) in spec.itemsAt("rules").enumerated() {
      let host = rule.textAt("host") ?? ""
      let bare = host.hasPrefix("*.") ? String(host.dropFirst(2)) : host
      if !host.isEmpty, let why = NameRules.subdomainError(bare) {
        found.invalid("spec.rules[\(index)].host", .string(host), why)
      }
      for (number, path) in rule.itemsAt("http", "paths").enumerated() {
        let place = "spec.rules[\(index)].http.paths[\(number)]"
        found.oneOf("\(place).pathType", path["pathType"], ["Exact", "ImplementationSpecific", "Prefix"])
        if path["pathType"] == nil { found.required("\(place).pathType", "pathType must be specified") }
        let text = path.textAt("path") ?? ""
        if !text.hasPrefix("/"), path.textAt("pathType") != "ImplementationSpecific" {
          found.invalid("\(place).path", .string(text), "must be an absolute path")
        }
        if let backend = path["backend"] { checkBackend(backend, "\(place).backend", &found) }
      }
    }
  }

  private func checkBackend(_ backend: JSONValue, _ place: String, _ found: inout FieldFindings) {
    switch (backend["service"], backend["resource"]) {
    case (nil, nil): found.required(place, "resource or service backend is required")
    case (.some, .some): found.invalid(place, "", "cannot set both resource and service backends")
    case (.some(let service), nil):
      if service.textAt("name")?.isEmpty != false { found.required("\(place).service.name") }
      if service.at("port", "name") == nil, service.at("port", "number") == nil {
        found.required("\(place)", "port name or number is required")
      }
    default: break
    }
  }
}

struct NetworkPolicyStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    object.change("spec") { spec in
      if spec["policyTypes"] == nil {
        spec["policyTypes"] = spec.itemsAt("egress").isEmpty ? ["Ingress"] : ["Ingress", "Egress"]
      }
      for direction in ["ingress", "egress"] {
        spec.changeItems(direction) { rule in rule.changeItems("ports") { $0.setDefault("TCP", "protocol") } }
      }
    }
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    for (index, type) in object.itemsAt("spec", "policyTypes").enumerated() {
      found.oneOf("spec.policyTypes[\(index)]", type, ["Ingress", "Egress"])
    }
    for (direction, side) in [("ingress", "from"), ("egress", "to")] {
      for (index, rule) in object.itemsAt("spec", direction).enumerated() {
        for (number, peer) in rule.itemsAt(side).enumerated() {
          checkPeer(peer, "spec.\(direction)[\(index)].\(side)[\(number)]", &found)
        }
        for (number, port) in rule.itemsAt("ports").enumerated() {
          let place = "spec.\(direction)[\(index)].ports[\(number)]"
          if let value = port["port"]?.intValue, !(1...65_535).contains(value) {
            found.invalid("\(place).port", port["port"], "must be between 1 and 65535, inclusive")
          }
          found.oneOf("\(place).protocol", port["protocol"], ["SCTP", "TCP", "UDP"])
        }
      }
    }
  }

  private func checkPeer(_ peer: JSONValue, _ place: String, _ found: inout FieldFindings) {
    let block = peer["ipBlock"]
    if block == nil, peer["podSelector"] == nil, peer["namespaceSelector"] == nil {
      found.required(place, "must specify a peer")
    }
    if block != nil, peer["podSelector"] != nil || peer["namespaceSelector"] != nil {
      found.forbidden(place, "may not specify both ipBlock and another peer")
    }
    if let block, let cidr = block.textAt("cidr"), cut(cidr, "/") == nil {
      found.invalid(
        "\(place).ipBlock.cidr", .string(cidr), "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")
    }
  }
}
