import FoundationEssentials
import KubernetesModels

/// Reads manifests from a file, or from a kustomization folder with `resources` and `images` (which is all that `config/`
/// uses; anything more is refused by name, so that nothing is installed half-understood).
enum Manifests {
  /// The documents below `path`, in file order.
  /// - Throws: `SandboxFailure` naming the file and what is wrong with it.
  static func load(_ path: String) throws -> [JSONValue] {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw SandboxFailure("\(path): no such file or folder")
    }
    guard isFolder else { return try documents(path) }
    let kustomization = path + "/kustomization.yaml"
    guard FileManager.default.fileExists(atPath: kustomization) else {
      throw SandboxFailure("\(path): a folder needs a kustomization.yaml; name a file otherwise")
    }
    return try documents(kustomization).flatMap { document in
      let known: Set = ["apiVersion", "kind", "resources", "images"]
      if let other = document.objectValue?.keys.first(where: { !known.contains($0) }) {
        throw SandboxFailure("\(kustomization): '\(other)' needs kubectl: kubectl apply --server-side -k \(path)")
      }
      let images = document["images"]?.arrayValue ?? []
      return try (document["resources"]?.arrayValue ?? []).flatMap { entry in
        try load(path + "/" + (entry.stringValue ?? "")).map { rename(images, in: $0) }
      }
    }
  }

  /// Kustomize's `images`: `newName`, `newTag` and `digest` for every `image` field below containers of that name.
  private static func rename(_ images: [JSONValue], in value: JSONValue) -> JSONValue {
    guard !images.isEmpty else { return value }
    switch value {
    case .array(let items): return .array(items.map { rename(images, in: $0) })
    case .object(var fields):
      for (key, field) in fields {
        // A schema has a field of that name, too, and there it is no text.
        if key == "image", let image = field.stringValue {
          fields[key] = .string(renamed(image, images))
        } else {
          fields[key] = rename(images, in: field)
        }
      }
      return .object(fields)
    default: return value
    }
  }

  private static func renamed(_ image: String, _ images: [JSONValue]) -> String {
    // The last colon begins a tag only when no slash follows it: registries have ports.
    let colon = image.lastIndex(of: ":").flatMap { image[$0...].contains("/") ? nil : $0 }
    let name = colon.map { String(image[..<$0]) } ?? image
    guard let change = images.first(where: { $0["name"]?.stringValue == name }) else { return image }
    let newName = change["newName"]?.stringValue ?? name
    if let digest = change["digest"]?.stringValue { return newName + "@" + digest }
    let tag = change["newTag"]?.stringValue ?? colon.map { String(image[image.index(after: $0)...]) }
    return newName + (tag.map { ":" + $0 } ?? "")
  }

  private static func documents(_ file: String) throws -> [JSONValue] {
    guard let data = FileManager.default.contents(atPath: file) else { throw SandboxFailure("\(file): cannot be read") }
    do {
      return try YAML.parse(String(decoding: data, as: UTF8.self)).filter { !$0.isNull }
    } catch {
      throw SandboxFailure("\(file): \(error)")
    }
  }
}
