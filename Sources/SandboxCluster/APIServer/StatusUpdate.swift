import KubernetesModels

/// What a write to `/status` may change.
enum StatusUpdate {
  /// The status of one object on top of everything else of another.
  ///
  /// Pods and Nodes also take labels and annotations this way (their registry strategies keep the metadata).
  static func merge(_ proposed: JSONValue, over old: JSONValue, _ info: ResourceInfo) -> JSONValue {
    var result = old
    result["status"] = proposed["status"]
    result.set(proposed.at("metadata", "managedFields"), at: ["metadata", "managedFields"])
    if info.group.isEmpty, info.kind == "Pod" || info.kind == "Node" {
      for map in ["labels", "annotations"] {
        result.set(proposed.at("metadata", map), at: ["metadata", map])
      }
    }
    return result
  }
}
