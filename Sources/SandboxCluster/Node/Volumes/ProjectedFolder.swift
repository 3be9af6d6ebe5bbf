import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder of files that change together: readers see all old or all new ones.
///
/// The layout is the kubelet's, on which programs that watch their configuration rely: `..data` links to a folder with a time in its
/// name, and each file links into `..data`. An update writes a new folder and renames the link.
struct ProjectedFolder {
  var path: String
  /// The group that owns the files, and may read them.
  var group: Int?

  /// Makes the folder hold exactly these files.
  /// - Returns: whether anything was written.
  /// - Throws: when the file system refuses, or a path leads out of the folder.
  @discardableResult
  func write(_ files: [VolumeFile]) throws -> Bool {
    for file in files where !VolumeFile.isSafe(file.path) {
      throw VolumeError("the path \(file.path) leads out of its volume; use a relative path without ..")
    }
    let manager = FileManager.default
    try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
    let before = (try? manager.destinationOfSymbolicLink(atPath: "\(path)/..data")).map { Self.last($0) }
    if let before, isSame(files, in: "\(path)/\(before)") { return false }

    let stamp = Timestamp8601.compact(Date())
    let folder = "..\(stamp).\(UInt32.random(in: 0...999_999_999))"
    try manager.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: false)
    _ = chmod("\(path)/\(folder)", 0o755)
    for file in files { try write(file, below: "\(path)/\(folder)") }
    try? manager.removeItem(atPath: "\(path)/..data_tmp")
    try manager.createSymbolicLink(atPath: "\(path)/..data_tmp", withDestinationPath: folder)
    guard rename("\(path)/..data_tmp", "\(path)/..data") == 0 else {
      throw VolumeError("\(path)/..data could not be replaced: \(String(cString: strerror(errno)))")
    }
    try link(Set(files.map { Self.first($0.path) }))
    if let before { try? manager.removeItem(atPath: "\(path)/\(before)") }
    return true
  }

  private func write(_ file: VolumeFile, below folder: String) throws {
    let target = "\(folder)/\(file.path)"
    if let slash = target.lastIndex(of: "/") {
      try FileManager.default.createDirectory(atPath: String(target[..<slash]), withIntermediateDirectories: true)
    }
    try Data(file.content).write(to: URL(filePath: target))
    var mode = file.mode
    if let group {
      _ = chown(target, UInt32.max, UInt32(group))
      mode |= 0o440
    }
    _ = chmod(target, mode_t(mode))
  }

  /// Links the first part of every path into `..data`, and drops links to what is no longer there.
  private func link(_ names: Set<String>) throws {
    let manager = FileManager.default
    let present = Set(try manager.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix("..") })
    for name in present.subtracting(names) { try? manager.removeItem(atPath: "\(path)/\(name)") }
    for name in names.subtracting(present) {
      try manager.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: "..data/\(name)")
    }
  }

  private func isSame(_ files: [VolumeFile], in folder: String) -> Bool {
    let found = (try? FileManager.default.subpathsOfDirectory(atPath: folder))?.filter { name in
      var isFolder = false
      return FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder) && !isFolder
    }
    return found?.count == files.count
      && files.allSatisfy { file in
        (try? Data(contentsOf: URL(filePath: "\(folder)/\(file.path)"))) == Data(file.content)
      }
  }

  private static func first(_ path: String) -> String { path.split(separator: "/").first.map { String($0) } ?? path }
  private static func last(_ path: String) -> String { path.split(separator: "/").last.map { String($0) } ?? path }
}

/// `2026_01_18_09_30_00`: the time in names of folders, in UTC.
enum Timestamp8601 {
  static func compact(_ date: Date) -> String {
    let digits = date.ISO8601Format().prefix(19)
    return String(digits.map { "-T:".contains($0) ? "_" : $0 })
  }
}
