import FoundationEssentials

/// What a sandbox leaves on the machine, as a whole.
public enum NodeRuntime {
  /// Where a sandbox keeps volumes, logs and sockets unless told otherwise.
  public static func defaultDataFolder(instance: String) -> String { "/var/lib/rtx-sandbox/\(instance)" }

  static func containerLabel(instance: String) -> String { "sandbox.rtx.trading/instance=\(instance)" }

  /// Removes everything that carries the instance's name: containers, podman's service, network, mounts, control groups, data folder.
  ///
  /// Needs nothing of the process that made them, so it also cleans up after `kill -9`.
  public static func removeAll(instance: String, dataFolder: String? = nil) async {
    let folder = dataFolder ?? defaultDataFolder(instance: instance)
    await PodmanService.removeAll(folder: folder, label: containerLabel(instance: instance), namePrefix: "\(instance)_")
    await HostNetwork.removeAll(instance: instance)
    ControlGroups.removeAll("\(instance)-sandbox")
    await PodVolumes.remove(folder)
  }
}
