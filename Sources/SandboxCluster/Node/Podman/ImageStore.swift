import FoundationEssentials

/// Finds images for containers: in podman's store first, at a registry where that is allowed.
struct ImageStore: Sendable {
  var podman: Podman
  var isOffline: Bool
  var remedy: String

  /// Why a container has no image, with the reason of its waiting state.
  struct Missing: Error, CustomStringConvertible {
    var reason: String
    var description: String
  }

  /// The names under which podman may know an image; images built on the machine are below `localhost/`.
  static func candidates(_ name: String) -> [String] {
    let first = name.split(separator: "/", maxSplits: 1).first.map { String($0) } ?? name
    let hasHost = name.contains("/") && (first.contains(".") || first.contains(":") || first == "localhost")
    if hasHost { return [name] }
    let hub = name.contains("/") ? "docker.io/\(name)" : "docker.io/library/\(name)"
    return ["localhost/\(name)", hub]
  }

  /// - Parameter policy: `Always`, `IfNotPresent` or `Never`. `Always` is content with what was built here: there is no registry to ask for it.
  /// - Throws: ``Missing``.
  func find(_ name: String, policy: String?) async throws -> (image: Podman.Image, wasPulled: Bool) {
    let name = name.contains(":") || name.contains("@") ? name : "\(name):latest"
    for candidate in Self.candidates(name) {
      if var image = try await podman.image(candidate) {
        image.name = candidate
        return (image, false)
      }
    }
    if policy == "Never" {
      throw Missing(
        reason: "ErrImageNeverPull",
        description: "Container image \"\(name)\" is not present with pull policy of Never; \(remedy)")
    }
    guard !isOffline else {
      throw Missing(
        reason: "ErrImagePull",
        description: "the image \(name) is not on this machine, and the sandbox is offline: \(remedy)")
    }
    let remote = Self.candidates(name).last ?? name
    do {
      try await Deadline.run(.seconds(300)) { try await podman.pull(remote) }
    } catch {
      throw Missing(
        reason: "ErrImagePull",
        description: "the image \(name) is not on this machine and could not be pulled (\(error)); \(remedy)")
    }
    guard var image = try await podman.image(remote) else {
      throw Missing(reason: "ErrImagePull", description: "the image \(name) was pulled but is not in podman's store")
    }
    image.name = remote
    return (image, true)
  }
}
