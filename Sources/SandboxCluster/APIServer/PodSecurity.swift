import KubernetesModels

/// Pod Security admission by namespace label (Kubernetes "Pod Security Standards").
struct PodSecurityAdmission {
  let server: APIServer

  /// Refuses a Pod that the namespace's `enforce` level forbids.
  func check(_ pod: JSONValue, _ info: ResourceInfo, _ warnings: inout [String]) throws(APIStatusError) {
    let labels = namespaceLabels(pod.metadataNamespace)
    let level = labels["pod-security.kubernetes.io/enforce"]?.stringValue ?? "privileged"
    let violations = PodSecurity.violations(pod["spec"] ?? [:], level: level)
    if !violations.isEmpty {
      throw APIStatusError.forbidden(
        info, pod.metadataName, "violates PodSecurity \"\(level):latest\": \(violations.joined(separator: ", "))")
    }
    warn(pod["spec"] ?? [:], labels, &warnings)
  }

  /// Warns about a template whose Pods would be refused later.
  func warn(_ workload: JSONValue, _ info: ResourceInfo, _ warnings: inout [String]) {
    let spec = workload.at("spec", "template", "spec") ?? workload.at("spec", "jobTemplate", "spec", "template", "spec")
    guard let spec else { return }
    warn(spec, namespaceLabels(workload.metadataNamespace), &warnings)
  }

  private func warn(_ spec: JSONValue, _ labels: [String: JSONValue], _ warnings: inout [String]) {
    guard let level = labels["pod-security.kubernetes.io/warn"]?.stringValue else { return }
    let violations = PodSecurity.violations(spec, level: level)
    if !violations.isEmpty {
      warnings.append("would violate PodSecurity \"\(level):latest\": \(violations.joined(separator: ", "))")
    }
  }

  private func namespaceLabels(_ name: String) -> [String: JSONValue] {
    server.object("", "namespaces", "", name)?.metadataLabels ?? [:]
  }
}

/// The checks themselves, on a PodSpec.
enum PodSecurity {
  private static let defaultCapabilities: Set<String> = [
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID",
    "SETPCAP", "SETUID", "SYS_CHROOT",
  ]
  private static let safeSysctls: Set<String> = [
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
  ]
  private static let restrictedVolumes: Set<String> = [
    "name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
  ]

  static func violations(_ spec: JSONValue, level: String) -> [String] {
    switch level {
    case "baseline": baseline(spec)
    case "restricted": baseline(spec, restricted: true) + restricted(spec)
    default: []
    }
  }

  private static func containers(_ spec: JSONValue) -> [JSONValue] {
    spec.itemsAt("initContainers") + spec.itemsAt("containers") + spec.itemsAt("ephemeralContainers")
  }

  private static func named(_ containers: [JSONValue]) -> String {
    let names = containers.map { "\"\($0.textAt("name") ?? "")\"" }.joined(separator: ", ")
    return containers.count == 1 ? "container \(names)" : "containers \(names)"
  }

  private static func baseline(_ spec: JSONValue, restricted: Bool = false) -> [String] {
    var found: [String] = []
    let all = containers(spec)
    let host = ["hostNetwork", "hostPID", "hostIPC"].filter { spec.boolAt($0) }
    if !host.isEmpty { found.append("host namespaces (\(host.map { "\($0)=true" }.joined(separator: ", ")))") }
    let privileged = all.filter { $0.boolAt("securityContext", "privileged") }
    if !privileged.isEmpty {
      found.append("privileged (\(named(privileged)) must not set securityContext.privileged=true)")
    }
    if !restricted {
      let capable = all.filter { container in
        container.itemsAt("securityContext", "capabilities", "add").contains {
          !defaultCapabilities.contains($0.stringValue ?? "")
        }
      }
      if !capable.isEmpty {
        found.append("non-default capabilities (\(named(capable)) must not add non-default capabilities)")
      }
      let paths = spec.itemsAt("volumes").filter { $0["hostPath"] != nil }
      if !paths.isEmpty {
        found.append(
          "hostPath volumes (volume \(paths.map { "\"\($0.textAt("name") ?? "")\"" }.joined(separator: ", ")))")
      }
    }
    let ports = all.flatMap { $0.itemsAt("ports") }.compactMap { $0["hostPort"]?.intValue }.filter { $0 != 0 }
    if !ports.isEmpty {
      found.append("hostPort (\(named(all)) uses hostPorts \(ports.map(String.init).joined(separator: ", ")))")
    }
    let proc = all.filter { ($0.textAt("securityContext", "procMount") ?? "Default") != "Default" }
    if !proc.isEmpty { found.append("procMount (\(named(proc)) must not set securityContext.procMount)") }
    let sysctls = spec.itemsAt("securityContext", "sysctls").compactMap { $0.textAt("name") }.filter {
      !safeSysctls.contains($0)
    }
    if !sysctls.isEmpty { found.append("forbidden sysctls (\(sysctls.joined(separator: ", ")))") }
    if !restricted {
      let unconfined = ([spec] + all).contains {
        $0.textAt("securityContext", "seccompProfile", "type") == "Unconfined"
      }
      if unconfined {
        found.append("seccompProfile (pod must not set securityContext.seccompProfile.type to \"Unconfined\")")
      }
    }
    return found
  }

  private static func restricted(_ spec: JSONValue) -> [String] {
    var found: [String] = []
    let all = containers(spec)
    let escalating = all.filter { $0.at("securityContext", "allowPrivilegeEscalation")?.boolValue != false }
    if !escalating.isEmpty {
      found.append(
        "allowPrivilegeEscalation != false (\(named(escalating)) must set securityContext.allowPrivilegeEscalation=false)"
      )
    }
    let capable = all.filter { container in
      let added = container.itemsAt("securityContext", "capabilities", "add").compactMap(\.stringValue)
      let dropped = container.itemsAt("securityContext", "capabilities", "drop").compactMap(\.stringValue)
      return !dropped.contains("ALL") || added.contains { $0 != "NET_BIND_SERVICE" }
    }
    if !capable.isEmpty {
      found.append("unrestricted capabilities (\(named(capable)) must set securityContext.capabilities.drop=[\"ALL\"])")
    }
    for volume in spec.itemsAt("volumes") {
      let types = (volume.objectValue ?? [:]).keys.filter { !restrictedVolumes.contains($0) }.sorted()
      if !types.isEmpty {
        found.append(
          "restricted volume types (volume \"\(volume.textAt("name") ?? "")\" uses restricted volume type \"\(types.joined(separator: ", "))\")"
        )
      }
    }
    let podNonRoot = spec.at("securityContext", "runAsNonRoot")?.boolValue
    let rooted = all.filter { ($0.at("securityContext", "runAsNonRoot")?.boolValue ?? podNonRoot) != true }
    if !rooted.isEmpty {
      found.append("runAsNonRoot != true (pod or \(named(rooted)) must set securityContext.runAsNonRoot=true)")
    }
    if ([spec] + all).contains(where: { $0.intAt("securityContext", "runAsUser") == 0 }) {
      found.append("runAsUser=0 (pod must not set runAsUser=0)")
    }
    let podProfile = spec.textAt("securityContext", "seccompProfile", "type")
    let loose = all.filter { container in
      let profile = container.textAt("securityContext", "seccompProfile", "type") ?? podProfile
      return profile != "RuntimeDefault" && profile != "Localhost"
    }
    if !loose.isEmpty {
      found.append(
        "seccompProfile (pod or \(named(loose)) must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
      )
    }
    return found
  }
}
