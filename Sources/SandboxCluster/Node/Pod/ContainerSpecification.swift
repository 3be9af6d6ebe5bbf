import FoundationEssentials
import KubernetesModels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Turns a container of a pod into what podman's create call takes. Pure.
struct ContainerSpecification {
  var pod: Pod
  var container: Container
  var name: String
  var image: Podman.Image
  var environment: ContainerEnvironment
  var networkPath: String?
  var hostname: String
  /// Volume name to folder.
  var volumes: [String: String]
  /// Files that the node keeps for the pod: path in the container to path on the machine.
  var files: [String: String]
  var logPath: String
  var cgroupParent: String
  var labels: [String: String]
  /// Control groups that can hold limits; others are left out.
  var limits: Limits

  /// Which limits this machine can enforce.
  struct Limits: Sendable, Equatable {
    var memory: Bool
    var cpu: Bool
  }

  /// - Throws: ``VolumeError`` when the container asks for what cannot be, in words for its status.
  func json() throws -> JSONValue {
    var spec: JSONValue = [
      "name": .string(name), "image": .string(image.id), "hostname": .string(hostname),
      "env": .object(environment.values.mapValues { .string($0) }),
      "labels": .object(labels.mapValues { .string($0) }),
      "log_configuration": ["driver": "k8s-file", "path": .string(logPath), "size": 52_428_800],
      "cgroup_parent": .string(cgroupParent),
      "use_image_hosts": true, "use_image_resolve_conf": true, "use_image_hostname": false,
      "terminal": .bool(container.tty ?? false), "stdin": .bool(container.stdin ?? false),
      "mounts": .array(try mounts()),
    ]
    if let networkPath {
      spec["netns"] = ["nsmode": "path", "value": .string(networkPath)]
      spec["utsns"] = ["nsmode": "private"]
    } else {
      spec["netns"] = ["nsmode": "host"]
    }
    // `command` replaces the image's entry point, `args` its arguments; alone, `command` drops both.
    if let command = container.command, !command.isEmpty {
      spec["entrypoint"] = .array(command.map { .string(environment.expand($0)) })
      spec["command"] = .array((container.args ?? []).map { .string(environment.expand($0)) })
    } else if let args = container.args, !args.isEmpty {
      spec["command"] = .array(args.map { .string(environment.expand($0)) })
    }
    if let folder = container.workingDir { spec["work_dir"] = .string(folder) }
    try setSecurity(&spec)
    setResources(&spec)
    return spec
  }

  // MARK: Security

  private func setSecurity(_ spec: inout JSONValue) throws {
    let own = container.securityContext
    let shared = pod.spec?.securityContext
    let user = own?.runAsUser ?? shared?.runAsUser
    let group = own?.runAsGroup ?? shared?.runAsGroup
    if own?.runAsNonRoot ?? shared?.runAsNonRoot ?? false { try requireNonRoot(user) }
    if let user {
      spec["user"] = .string(group.map { "\(user):\($0)" } ?? "\(user)")
    } else if let group {
      let name = image.user.split(separator: ":").first.map { String($0) } ?? "0"
      spec["user"] = .string("\(name):\(group)")
    }
    let groups = (shared?.supplementalGroups ?? []) + (shared?.fsGroup.map { [$0] } ?? [])
    if !groups.isEmpty { spec["groups"] = .array(groups.map { .string(String($0)) }) }
    spec["read_only_filesystem"] = .bool(own?.readOnlyRootFilesystem ?? false)
    // podman puts writable tmpfs folders into read-only containers unless told otherwise; Kubernetes does not.
    spec["read_write_tmpfs"] = false
    if own?.privileged ?? false { spec["privileged"] = true }
    spec["no_new_privileges"] = .bool(own?.allowPrivilegeEscalation == false)
    let drop = (own?.capabilities?.drop ?? []).map { $0.uppercased() }
    let add = (own?.capabilities?.add ?? []).map { $0.uppercased() }
    if !drop.isEmpty { spec["cap_drop"] = .array(drop.map { .string(Self.capability($0)) }) }
    if !add.isEmpty { spec["cap_add"] = .array(add.map { .string(Self.capability($0)) }) }
    if (own?.seccompProfile ?? shared?.seccompProfile)?.type == "Unconfined" {
      spec["seccomp_profile_path"] = "unconfined"
    }
    let sysctls = (shared?.sysctls ?? []).map { ($0.name, JSONValue.string($0.value)) }
    if !sysctls.isEmpty { spec["sysctl"] = .object(Dictionary(sysctls, uniquingKeysWith: { _, last in last })) }
  }

  private static func capability(_ name: String) -> String {
    name == "ALL" || name.hasPrefix("CAP_") ? name : "CAP_\(name)"
  }

  private func requireNonRoot(_ user: Int?) throws {
    if let user {
      if user == 0 {
        throw VolumeError("container's runAsUser breaks non-root policy: runAsNonRoot is true and runAsUser is 0")
      }
      return
    }
    let name = image.user.split(separator: ":").first.map { String($0) } ?? ""
    if name.isEmpty || name == "0" || name == "root" {
      throw VolumeError("container has runAsNonRoot and image will run as root; set runAsUser")
    }
    if Int(name) == nil {
      throw VolumeError(
        "container has runAsNonRoot and image has non-numeric user (\(name)), cannot verify user is non-root; set runAsUser"
      )
    }
  }

  // MARK: Resources

  private func setResources(_ spec: inout JSONValue) {
    var limits: JSONValue = [:]
    if self.limits.memory, let memory = container.resources?.limits?["memory"] {
      limits["memory"] = ["limit": .integer(Int64(memory.value))]
    }
    if self.limits.cpu {
      var cpu: JSONValue = [:]
      if let limit = container.resources?.limits?["cpu"] {
        cpu["period"] = 100_000
        // The kernel takes no quota below a millisecond.
        cpu["quota"] = .integer(Int64(max(1000, limit.milliValue * 100)))
      }
      let request = container.resources?.requests?["cpu"] ?? container.resources?.limits?["cpu"]
      if let request { cpu["shares"] = .integer(Int64(max(2, request.milliValue * 1024 / 1000))) }
      if cpu != [:] { limits["cpu"] = cpu }
    }
    if limits != [:] { spec["resource_limits"] = limits }
  }

  // MARK: Mounts

  private func mounts() throws -> [JSONValue] {
    let kept = files.sorted { $0.key < $1.key }.map { path, source in
      Self.mount(source, at: path, readOnly: false)
    }
    let own = try (container.volumeMounts ?? []).map { mount in
      guard var source = volumes[mount.name] else {
        throw VolumeError("volumeMounts: the pod has no volume named \(mount.name)")
      }
      let subPath = mount.subPathExpr.map { environment.expand($0) } ?? mount.subPath ?? ""
      if !subPath.isEmpty {
        guard VolumeFile.isSafe(subPath) else {
          throw VolumeError("subPath \(subPath) leads out of volume \(mount.name); use a relative path without ..")
        }
        source += "/\(subPath)"
      }
      let volume = pod.spec?.volumes?.first { $0.name == mount.name }
      let isFixed = volume.map { PodVolumes.followsObjects($0) } ?? false
      let isReadOnly = mount.readOnly == true || isFixed || volume?.persistentVolumeClaim?.readOnly == true
      return Self.mount(source, at: mount.mountPath, readOnly: isReadOnly)
    }
    return kept + own
  }

  /// Makes the folders that mounts name by `subPath` and that are not there yet, owned like their volume.
  func makeSubPaths() throws {
    for mount in container.volumeMounts ?? [] {
      let subPath = mount.subPathExpr.map { environment.expand($0) } ?? mount.subPath ?? ""
      guard let volume = volumes[mount.name], VolumeFile.isSafe(subPath) else { continue }
      let path = "\(volume)/\(subPath)"
      guard !FileManager.default.fileExists(atPath: path) else { continue }
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      var info = stat()
      guard stat(volume, &info) == 0 else { continue }
      _ = chown(path, info.st_uid, info.st_gid)
      _ = chmod(path, info.st_mode & 0o7777)
    }
  }

  private static func mount(_ source: String, at path: String, readOnly: Bool) -> JSONValue {
    [
      "type": "bind", "source": .string(source), "destination": .string(path),
      "options": ["rbind", .string(readOnly ? "ro" : "rw"), "rprivate"],
    ]
  }
}
