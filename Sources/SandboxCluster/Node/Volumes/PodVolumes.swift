import FoundationEssentials
import KubernetesModels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The volumes of one pod as folders on the machine.
struct PodVolumes: Sendable {
  var reader: ConfigurationReader
  /// `<data>/pods/<uid>`.
  var folder: String
  var fields: @Sendable (Pod) -> PodFields

  /// Where a volume is; containers mount it, or something below it.
  struct Mounted: Sendable {
    var paths: [String: String] = [:]
    /// When the first token has to be renewed.
    var renewAt: Date?
  }

  /// Makes or refreshes every volume of the pod.
  /// - Throws: ``VolumeError`` with the reason for the pod's events, e.g. a ConfigMap that is not there yet.
  func prepare(_ pod: Pod) async throws -> Mounted {
    var mounted = Mounted()
    for volume in pod.spec?.volumes ?? [] {
      do {
        mounted.paths[volume.name] = try await prepare(volume, pod, &mounted)
      } catch let error as VolumeError {
        throw VolumeError("MountVolume.SetUp failed for volume \"\(volume.name)\": \(error)")
      }
    }
    return mounted
  }

  /// Writes the files of volumes that follow API objects again, where they have changed.
  func refresh(_ pod: Pod) async throws -> Mounted {
    var mounted = Mounted()
    for volume in pod.spec?.volumes ?? [] where Self.followsObjects(volume) {
      mounted.paths[volume.name] = try await prepare(volume, pod, &mounted)
    }
    return mounted
  }

  /// Whether the volume's content comes from API objects, and has to follow them.
  static func followsObjects(_ volume: Volume) -> Bool {
    volume.configMap != nil || volume.secret != nil || volume.projected != nil || volume.downwardAPI != nil
  }

  private func prepare(_ volume: Volume, _ pod: Pod, _ mounted: inout Mounted) async throws -> String {
    let namespace = pod.metadata.namespace ?? ""
    let group = pod.spec?.securityContext?.fsGroup
    let own = "\(folder)/volumes/\(volume.name)"
    if let source = volume.hostPath { return try prepare(source) }
    if let source = volume.persistentVolumeClaim {
      let path = try await reader.claimPath(source.claimName, in: namespace)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      if let group, source.readOnly != true { Self.give(path, to: group) }
      return path
    }
    if let source = volume.emptyDir {
      try await prepare(source, at: own)
      if let group { Self.give(own, to: group) }
      return own
    }
    if let files = try await files(volume, pod, &mounted) {
      try ProjectedFolder(path: own, group: group).write(files)
      return own
    }
    throw VolumeError(
      "this node knows emptyDir, configMap, secret, projected, downwardAPI, hostPath and persistentVolumeClaim only")
  }

  private func prepare(_ source: HostPathVolumeSource) throws -> String {
    let exists = FileManager.default.fileExists(atPath: source.path)
    switch source.type ?? "" {
    case "DirectoryOrCreate":
      try FileManager.default.createDirectory(atPath: source.path, withIntermediateDirectories: true)
    case "FileOrCreate" where !exists:
      try Data().write(to: URL(filePath: source.path))
    case "", "FileOrCreate": break
    default: if !exists { throw VolumeError("hostPath type check failed: \(source.path) does not exist") }
    }
    return source.path
  }

  private func prepare(_ source: EmptyDirVolumeSource, at path: String) async throws {
    guard !FileManager.default.fileExists(atPath: path) else { return }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    if source.medium == "Memory" {
      let size = source.sizeLimit.map { ",size=\($0.value)" } ?? ""
      try await Command.run("mount", ["-t", "tmpfs", "-o", "mode=0777\(size)", "tmpfs", path])
    }
    _ = chmod(path, 0o777)
  }

  // MARK: Files from objects

  private func files(_ volume: Volume, _ pod: Pod, _ mounted: inout Mounted) async throws -> [VolumeFile]? {
    let namespace = pod.metadata.namespace ?? ""
    if let source = volume.configMap {
      let mode = source.defaultMode ?? 0o644
      return try await configMap(source.name, source.items, source.optional, mode: mode, in: namespace)
    }
    if let source = volume.secret {
      let mode = source.defaultMode ?? 0o644
      return try await secret(source.secretName, source.items, source.optional, mode: mode, in: namespace)
    }
    if let source = volume.downwardAPI { return try downward(source.items, mode: source.defaultMode ?? 0o644, pod) }
    guard let projected = volume.projected else { return nil }
    let mode = projected.defaultMode ?? 0o644
    var files: [VolumeFile] = []
    for source in projected.sources ?? [] {
      if let map = source.configMap {
        files += try await configMap(map.name, map.items, map.optional, mode: mode, in: namespace)
      }
      if let map = source.secret {
        files += try await secret(map.name, map.items, map.optional, mode: mode, in: namespace)
      }
      if let map = source.downwardAPI { files += try downward(map.items, mode: mode, pod) }
      if let token = source.serviceAccountToken { files.append(try await self.token(token, pod, mode, &mounted)) }
    }
    return files
  }

  private func configMap(
    _ name: String?, _ items: [KeyToPath]?, _ optional: Bool?, mode: Int, in namespace: String
  ) async throws -> [VolumeFile] {
    let name = name ?? ""
    guard let data = try await reader.configMap(name, in: namespace) else {
      if optional == true { return [] }
      throw VolumeError("configmap \"\(name)\" not found")
    }
    return try VolumeFile.select(
      data, items: items?.map { ($0.key, $0.path, $0.mode) }, defaultMode: mode, isOptional: optional ?? false,
      source: "configmap \(name)")
  }

  private func secret(
    _ name: String?, _ items: [KeyToPath]?, _ optional: Bool?, mode: Int, in namespace: String
  ) async throws -> [VolumeFile] {
    let name = name ?? ""
    guard let data = try await reader.secret(name, in: namespace) else {
      if optional == true { return [] }
      throw VolumeError("secret \"\(name)\" not found")
    }
    return try VolumeFile.select(
      data, items: items?.map { ($0.key, $0.path, $0.mode) }, defaultMode: mode, isOptional: optional ?? false,
      source: "secret \(name)")
  }

  private func downward(_ items: [DownwardAPIVolumeFile]?, mode: Int, _ pod: Pod) throws -> [VolumeFile] {
    try (items ?? []).map { item in
      let text: String
      if let field = item.fieldRef {
        text = try fields(pod).value(field.fieldPath)
      } else if let resource = item.resourceFieldRef {
        text = try fields(pod).value(resource, container: nil)
      } else {
        throw VolumeError("\(item.path) names neither fieldRef nor resourceFieldRef")
      }
      return VolumeFile(path: item.path, content: Array(text.utf8), mode: item.mode ?? mode)
    }
  }

  /// The token that is there, while less than 80 % of its life is over; else a new one.
  private func token(
    _ source: ServiceAccountTokenProjection, _ pod: Pod, _ mode: Int, _ mounted: inout Mounted
  ) async throws -> VolumeFile {
    let seconds = max(600, source.expirationSeconds ?? 3600)
    let cache = "\(folder)/tokens/\(StableHash.hex("\(source.audience ?? "")/\(seconds)"))"
    let lines = (try? String(contentsOfFile: cache, encoding: .utf8))?.split(separator: "\n").map { String($0) } ?? []
    if lines.count == 2, let renewAt = Double(lines[0]).map({ Date(timeIntervalSince1970: $0) }), renewAt > Date() {
      mounted.renewAt = min(mounted.renewAt ?? renewAt, renewAt)
      return VolumeFile(path: source.path, content: Array(lines[1].utf8), mode: mode)
    }
    let issued = try await reader.token(
      account: pod.spec?.serviceAccountName ?? "default", namespace: pod.metadata.namespace ?? "",
      audience: source.audience, seconds: seconds, pod: pod)
    let renewAt = Date().addingTimeInterval(issued.expires.timeIntervalSinceNow * 0.8)
    try FileManager.default.createDirectory(
      atPath: "\(folder)/tokens", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data("\(renewAt.timeIntervalSince1970)\n\(issued.token)".utf8).write(to: URL(filePath: cache))
    mounted.renewAt = min(mounted.renewAt ?? renewAt, renewAt)
    return VolumeFile(path: source.path, content: Array(issued.token.utf8), mode: mode)
  }

  // MARK: Ownership and removal

  /// Makes a folder and all in it readable and writable for a group; new files in it get the group too.
  ///
  /// A folder that has the group already is left alone: a database's files may be many, and are its own matter.
  static func give(_ path: String, to group: Int) {
    var info = stat()
    guard stat(path, &info) == 0, info.st_gid != UInt32(group) || info.st_mode & S_ISGID == 0 else { return }
    let below = ((try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []).map { "\(path)/\($0)" }
    for entry in below + [path] {
      guard lstat(entry, &info) == 0, info.st_mode & S_IFMT != S_IFLNK else { continue }
      _ = chown(entry, UInt32.max, UInt32(group))
      let isFolder = info.st_mode & S_IFMT == S_IFDIR
      _ = chmod(entry, info.st_mode & 0o7777 | (isFolder ? 0o2770 : 0o660))
    }
  }

  /// Unmounts what is mounted below a folder, and removes it.
  static func remove(_ folder: String) async {
    for mount in mounts(below: folder) { _ = try? await Command.outcome("umount", ["--lazy", mount]) }
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Deepest first.
  static func mounts(below folder: String) -> [String] {
    let table = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
    return table.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 1, fields[1].hasPrefix("\(folder)/") else { return nil }
      return String(fields[1])
    }.sorted { $0.count > $1.count }
  }
}
