import KubernetesModels

extension StructuralSchema {
  /// Removes fields that the schema does not know, except under x-kubernetes-preserve-unknown-fields.
  ///
  /// For built-in kinds null fields go too: decoding into a Go struct reads them as absent.
  ///
  /// - Returns: the paths removed, such as `spec.containers[0].foo`, in document order.
  func prune(_ value: inout JSONValue) -> [String] {
    var unknown: [String] = []
    Self.prune(&value, root, path: "", isResource: true, into: &unknown)
    return unknown
  }

  private static let resourceFields: Set<String> = ["apiVersion", "kind", "metadata"]

  private static func prune(
    _ value: inout JSONValue, _ site: SchemaNode, path: String, isResource: Bool, into unknown: inout [String]
  ) {
    let node = site.resolved
    switch value {
    case .object(var fields):
      let keepsUnknown = site.allowsUnknownFields
      for name in fields.keys.sorted() {
        let childPath = FieldPath.child(path, name)
        if isResource || node.isEmbeddedResource, resourceFields.contains(name), !node.isGoType {
          if name == "metadata", let metadata = BuiltinSchemaRegistry.shared.objectMeta {
            prune(&fields["metadata", default: .null], metadata, path: childPath, isResource: false, into: &unknown)
          }
          continue
        }
        if node.isGoType, fields[name]?.isNull == true, node.properties[name] != nil {
          fields[name] = nil
        } else if let child = site.child(name) {
          prune(&fields[name, default: .null], child, path: childPath, isResource: false, into: &unknown)
        } else if !keepsUnknown {
          fields[name] = nil
          unknown.append(childPath)
        }
      }
      value = .object(fields)
    case .array(var elements):
      guard let items = node.items else { return }
      for index in elements.indices {
        prune(
          &elements[index], items, path: FieldPath.index(path, index), isResource: false, into: &unknown)
      }
      value = .array(elements)
    default: break
    }
  }
}
