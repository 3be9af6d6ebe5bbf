import KubernetesModels

/// Defaults of a PodSpec (core/v1 `SetDefaults_PodSpec` and its parts), for Pods and for every template.
enum PodDefaults {
  static func apply(to spec: inout JSONValue) {
    spec.setDefault("Always", "restartPolicy")
    spec.setDefault("ClusterFirst", "dnsPolicy")
    spec.setDefault(30, "terminationGracePeriodSeconds")
    spec.setDefault("default-scheduler", "schedulerName")
    spec.setDefault([:], "securityContext")
    // The old and the new name of the same field.
    if spec["serviceAccountName"] == nil { spec["serviceAccountName"] = spec["serviceAccount"] }
    if let account = spec["serviceAccountName"] { spec["serviceAccount"] = account }
    let hostNetwork = spec.boolAt("hostNetwork")
    for list in ["initContainers", "containers", "ephemeralContainers"] {
      spec.changeItems(list) { container(&$0, hostNetwork) }
    }
    spec.changeItems("volumes") { volume(&$0) }
  }

  private static func container(_ container: inout JSONValue, _ hostNetwork: Bool) {
    container.setDefault("/dev/termination-log", "terminationMessagePath")
    container.setDefault("File", "terminationMessagePolicy")
    container.setDefault([:], "resources")
    container.setDefault(.string(pullPolicy(container["image"]?.stringValue ?? "")), "imagePullPolicy")
    container.changeItems("ports") { port in
      port.setDefault("TCP", "protocol")
      if hostNetwork, let number = port["containerPort"] { port.setDefault(number, "hostPort") }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
      container.change(probe) { self.probe(&$0) }
    }
    container.change("lifecycle") { lifecycle in
      for hook in ["postStart", "preStop"] { lifecycle.change(hook) { handler(&$0) } }
    }
    container.changeItems("env") { variable in
      variable.change("valueFrom") { source in
        source.change("fieldRef") { $0.setDefault("v1", "apiVersion") }
        source.change("resourceFieldRef") { $0.setDefault("0", "divisor") }
      }
    }
    container.change("resources") { resources in
      // Requests not stated equal the limits.
      for (name, limit) in resources["limits"]?.objectValue ?? [:] { resources.setDefault(limit, "requests", name) }
    }
  }

  /// `Always` for the tag latest or no tag at all.
  private static func pullPolicy(_ image: String) -> String {
    if image.contains("@") { return "IfNotPresent" }
    let last = image.split(separator: "/").last ?? ""
    guard let (_, tag) = cut(String(last), ":") else { return "Always" }
    return tag == "latest" ? "Always" : "IfNotPresent"
  }

  private static func probe(_ probe: inout JSONValue) {
    for (field, value) in [
      ("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3),
    ]
    where probe[field]?.intValue ?? 0 == 0 {
      probe[field] = .integer(Int64(value))
    }
    handler(&probe)
    probe.change("grpc") { $0.setDefault("", "service") }
  }

  private static func handler(_ handler: inout JSONValue) {
    handler.change("httpGet") { action in
      action.setDefault("/", "path")
      action.setDefault("HTTP", "scheme")
    }
  }

  private static func volume(_ volume: inout JSONValue) {
    let sources = volume.objectValue ?? [:]
    // A volume without a source is an emptyDir.
    if sources.count == 1, sources["name"] != nil { volume["emptyDir"] = [:] }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
      volume.change(source) { $0.setDefault(420, "defaultMode") }
    }
    volume.change("downwardAPI") { $0.changeItems("items") { item in fieldReference(&item) } }
    volume.change("projected") { projected in
      projected.changeItems("sources") { source in
        source.change("serviceAccountToken") { $0.setDefault(3600, "expirationSeconds") }
        source.change("downwardAPI") { $0.changeItems("items") { item in fieldReference(&item) } }
      }
    }
    volume.change("hostPath") { $0.setDefault("", "type") }
    volume.change("ephemeral") {
      $0.change("volumeClaimTemplate") { $0.change("spec") { ClaimDefaults.apply(to: &$0) } }
    }
  }

  private static func fieldReference(_ item: inout JSONValue) {
    item.change("fieldRef") { $0.setDefault("v1", "apiVersion") }
  }

  /// The tolerations that every Pod gets (admission plugin DefaultTolerationSeconds).
  static func applyTolerations(_ pod: inout JSONValue) {
    var tolerations = pod.itemsAt("spec", "tolerations")
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
      let covered = tolerations.contains { toleration in
        let effect = toleration["effect"]?.stringValue ?? ""
        let name = toleration["key"]?.stringValue ?? ""
        return (name == key || name.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
      }
      if !covered {
        tolerations.append(["key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300])
      }
    }
    pod.set(.array(tolerations), at: ["spec", "tolerations"])
  }
}

/// Defaults of a PersistentVolumeClaimSpec.
enum ClaimDefaults {
  static func apply(to spec: inout JSONValue) {
    spec.setDefault("Filesystem", "volumeMode")
  }
}
