/// One file of a volume that the node writes: from a ConfigMap, a Secret, a token or the pod's own fields.
struct VolumeFile: Sendable, Hashable {
  /// Relative, with folders; never leads out of the volume.
  var path: String
  var content: [UInt8]
  /// Permission bits such as 0o644.
  var mode: Int

  /// Picks the keys of a ConfigMap or Secret that a volume names, all of them where it names none.
  ///
  /// - Parameters:
  ///   - items: key, path and mode.
  ///   - isOptional: whether a missing key is skipped.
  /// - Throws: ``VolumeError`` for a key that is not there.
  static func select(
    _ data: [String: [UInt8]], items: [(key: String, path: String, mode: Int?)]?, defaultMode: Int, isOptional: Bool,
    source: String
  ) throws -> [VolumeFile] {
    guard let items, !items.isEmpty else {
      return data.sorted { $0.key < $1.key }.map { VolumeFile(path: $0.key, content: $0.value, mode: defaultMode) }
    }
    return try items.compactMap { item in
      guard let content = data[item.key] else {
        if isOptional { return nil }
        throw VolumeError("\(source) references non-existent config key: \(item.key)")
      }
      return VolumeFile(path: item.path, content: content, mode: item.mode ?? defaultMode)
    }
  }

  /// Whether a path stays inside its volume.
  static func isSafe(_ path: String) -> Bool {
    !path.isEmpty && !path.hasPrefix("/") && !path.split(separator: "/").contains("..")
  }
}

/// Why a volume cannot be mounted, in words for the pod's events.
struct VolumeError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
