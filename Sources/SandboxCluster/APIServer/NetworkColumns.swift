import KubernetesModels

/// Services, Endpoints, Ingresses, NetworkPolicies, EndpointSlices.
enum NetworkColumns {
  static func columns(_ kind: String) -> [TableColumn] {
    switch kind {
    case "Service":
      [
        .name, BuiltinColumns.text("Type", "spec", "type"), BuiltinColumns.text("Cluster-IP", "spec", "clusterIP"),
        TableColumn("External-IP") { .string(externalAddress($0)) },
        TableColumn("Port(s)") { service in
          let ports = service.itemsAt("spec", "ports").map { port in
            let node = port["nodePort"]?.intValue.map { ":\($0)" } ?? ""
            return "\(port["port"]?.intValue ?? 0)\(node)/\(port.textAt("protocol") ?? "TCP")"
          }
          return .string(ports.isEmpty ? "<none>" : ports.joined(separator: ","))
        }, .age,
        TableColumn("Selector", priority: 1) { service in
          let labels = service.mapAt("spec", "selector").map { "\($0)=\($1.stringValue ?? "")" }.sorted()
          return .string(labels.isEmpty ? "<none>" : labels.joined(separator: ","))
        },
      ]
    case "Endpoints": [.name, TableColumn("Endpoints") { .string(endpoints($0)) }, .age]
    case "EndpointSlice":
      [
        .name, BuiltinColumns.text("AddressType", "addressType"),
        TableColumn("Ports") {
          .string(limited($0.itemsAt("ports").map { $0["port"]?.intValue.map(String.init) ?? "*" }))
        },
        TableColumn("Endpoints") { slice in
          .string(limited(slice.itemsAt("endpoints").flatMap { $0.itemsAt("addresses") }.compactMap(\.stringValue)))
        }, .age,
      ]
    case "Ingress":
      [
        .name, BuiltinColumns.text("Class", "spec", "ingressClassName"),
        TableColumn("Hosts") { ingress in
          let hosts = ingress.itemsAt("spec", "rules").map { $0.textAt("host") ?? "*" }
          return .string(hosts.isEmpty ? "*" : hosts.joined(separator: ","))
        }, TableColumn("Address") { .string(balancerAddress($0)) },
        TableColumn("Ports") { .string($0.itemsAt("spec", "tls").isEmpty ? "80" : "80, 443") }, .age,
      ]
    case "IngressClass":
      [
        .name, BuiltinColumns.text("Controller", "spec", "controller"),
        BuiltinColumns.text("Parameters", "spec", "parameters", "name"), .age,
      ]
    case "NetworkPolicy":
      [
        .name,
        TableColumn("Pod-Selector") { policy in
          let text = LabelSelector(object: policy.at("spec", "podSelector"))?.text ?? ""
          return .string(text.isEmpty ? "<none>" : text)
        }, .age,
      ]
    default: TableColumn.nameAndAge
    }
  }

  private static func balancerAddress(_ object: JSONValue) -> String {
    object.itemsAt("status", "loadBalancer", "ingress").compactMap { $0.textAt("ip") ?? $0.textAt("hostname") }
      .joined(separator: ",")
  }

  private static func externalAddress(_ service: JSONValue) -> String {
    let own = service.itemsAt("spec", "externalIPs").compactMap(\.stringValue)
    switch service.textAt("spec", "type") {
    case "ExternalName": return service.textAt("spec", "externalName") ?? ""
    case "LoadBalancer":
      let all = [balancerAddress(service)].filter { !$0.isEmpty } + own
      return all.isEmpty ? "<pending>" : all.joined(separator: ",")
    default: return own.isEmpty ? "<none>" : own.joined(separator: ",")
    }
  }

  private static func endpoints(_ object: JSONValue) -> String {
    let pairs = object.itemsAt("subsets").flatMap { subset in
      let ports = subset.itemsAt("ports").compactMap { $0["port"]?.intValue }
      return subset.itemsAt("addresses").compactMap { $0.textAt("ip") }.flatMap { address in
        ports.isEmpty ? [address] : ports.map { "\(address):\($0)" }
      }
    }
    return limited(pairs)
  }

  private static func limited(_ texts: [String]) -> String {
    guard !texts.isEmpty else { return "<none>" }
    let shown = texts.prefix(3).joined(separator: ",")
    return texts.count > 3 ? "\(shown) + \(texts.count - 3) more..." : shown
  }
}

enum StorageColumns {
  private static let modes = [
    "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP",
  ]

  static func columns(_ kind: String) -> [TableColumn] {
    switch kind {
    case "PersistentVolumeClaim":
      [
        .name,
        TableColumn("Status") { .string($0.isDeleting ? "Terminating" : $0.textAt("status", "phase") ?? "") },
        BuiltinColumns.text("Volume", "spec", "volumeName", none: ""),
        BuiltinColumns.text("Capacity", "status", "capacity", "storage", none: ""), accessModes("status"),
        BuiltinColumns.text("StorageClass", "spec", "storageClassName", none: ""),
        BuiltinColumns.text("VolumeAttributesClass", "spec", "volumeAttributesClassName", none: "<unset>"), .age,
        BuiltinColumns.text("VolumeMode", "spec", "volumeMode", none: "<unset>", priority: 1),
      ]
    case "PersistentVolume":
      [
        .name, BuiltinColumns.text("Capacity", "spec", "capacity", "storage", none: ""), accessModes("spec"),
        BuiltinColumns.text("Reclaim Policy", "spec", "persistentVolumeReclaimPolicy", none: ""),
        TableColumn("Status") { .string($0.isDeleting ? "Terminating" : $0.textAt("status", "phase") ?? "") },
        TableColumn("Claim") { volume in
          guard let claim = volume.at("spec", "claimRef") else { return "" }
          return .string("\(claim.textAt("namespace") ?? "")/\(claim.textAt("name") ?? "")")
        }, BuiltinColumns.text("StorageClass", "spec", "storageClassName", none: ""),
        BuiltinColumns.text("VolumeAttributesClass", "spec", "volumeAttributesClassName", none: "<unset>"),
        BuiltinColumns.text("Reason", "status", "reason", none: ""), .age,
        BuiltinColumns.text("VolumeMode", "spec", "volumeMode", none: "<unset>", priority: 1),
      ]
    default:
      [
        TableColumn("Name", format: "name") { storage in
          let key = "storageclass.kubernetes.io/is-default-class"
          let isDefault = storage.textAt("metadata", "annotations", key) == "true"
          return .string(storage.metadataName + (isDefault ? " (default)" : ""))
        }, BuiltinColumns.text("Provisioner", "provisioner"), BuiltinColumns.text("ReclaimPolicy", "reclaimPolicy"),
        BuiltinColumns.text("VolumeBindingMode", "volumeBindingMode"),
        TableColumn("AllowVolumeExpansion") { .string($0.boolAt("allowVolumeExpansion") ? "true" : "false") }, .age,
      ]
    }
  }

  private static func accessModes(_ part: String) -> TableColumn {
    TableColumn("Access Modes") { object in
      .string(
        object.itemsAt(part, "accessModes").compactMap { $0.stringValue.map { modes[$0] ?? $0 } }.joined(separator: ",")
      )
    }
  }
}

enum EventColumns {
  static let all: [TableColumn] = [
    TableColumn("Last Seen") { event in
      let last =
        event.textAt("series", "lastObservedTime") ?? event.textAt("lastTimestamp")
        ?? event.textAt("deprecatedLastTimestamp") ?? event.textAt("eventTime")
        ?? event.textAt("metadata", "creationTimestamp")
      return .string(Age.text(since: last))
    }, BuiltinColumns.text("Type", "type", none: ""), BuiltinColumns.text("Reason", "reason", none: ""),
    TableColumn("Object") { event in
      let object = event["involvedObject"] ?? event["regarding"] ?? [:]
      return .string("\((object.textAt("kind") ?? "").lowercased())/\(object.textAt("name") ?? "")")
    },
    BuiltinColumns.text("Subobject", "involvedObject", "fieldPath", none: "", priority: 1),
    TableColumn("Source", priority: 1) { event in
      .string(
        event.textAt("reportingComponent") ?? event.textAt("reportingController") ?? event.textAt("source", "component")
          ?? "")
    }, TableColumn("Message") { .string(trimmed($0.textAt("message") ?? $0.textAt("note") ?? "")) },
    TableColumn("First Seen", priority: 1) { event in
      .string(
        Age.text(
          since: event.textAt("firstTimestamp") ?? event.textAt("eventTime")
            ?? event.textAt("metadata", "creationTimestamp")))
    },
    TableColumn("Count", priority: 1) { event in
      .string(String(event.intAt("series", "count") ?? event.intAt("count") ?? event.intAt("deprecatedCount") ?? 1))
    },
    TableColumn("Name", format: "name", priority: 1) { .string($0.metadataName) },
  ]
}
