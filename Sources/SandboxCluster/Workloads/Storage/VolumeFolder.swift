import FoundationEssentials

/// The folders behind volumes. Nothing outside of the data root is ever touched.
enum VolumeFolder {
  struct OutsideRoot: Error, CustomStringConvertible {
    var path: String
    var root: String
    var description: String { "\(path) is not below \(root); it was left alone" }
  }

  /// Writable by any user, because containers run as users that this machine does not know.
  static func make(_ path: String, below root: String) throws {
    try check(path, root)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path)
  }

  static func remove(_ path: String, below root: String) throws {
    try check(path, root)
    guard FileManager.default.fileExists(atPath: path) else { return }
    try FileManager.default.removeItem(atPath: path)
  }

  private static func check(_ path: String, _ root: String) throws {
    let isBelow = path.hasPrefix(root + "/") && path.count > root.count + 1
    guard isBelow, !root.isEmpty, !path.split(separator: "/").contains("..") else {
      throw OutsideRoot(path: path, root: root)
    }
  }
}
