import FoundationEssentials
import KubernetesModels

extension Kubeconfig {
  /// The fields of one entry, with errors that say where they stand.
  struct Fields {
    var entry: Entry
    var place: String

    func text(_ field: String) -> String? {
      entry.value[field]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
    }

    func required(_ field: String, remedy: String) throws -> String {
      guard let text = text(field) else { throw error(field, "missing", remedy) }
      return text
    }

    /// A path, relative to the folder of its kubeconfig.
    func path(_ field: String) -> String? {
      text(field).map { resolved($0) }
    }

    func resolved(_ path: String) -> String {
      guard !path.hasPrefix("/") else { return path }
      let folder = entry.file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
      if folder.isEmpty { return entry.file.hasPrefix("/") ? "/" + path : path }
      return folder + "/" + path
    }

    /// What `<field>-data` holds in base64, or else the file that `<field>` names.
    func bytes(_ field: String) throws -> [UInt8]? {
      if let text = text(field + "-data") {
        guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters), !data.isEmpty else {
          throw error(field + "-data", "is not base64", "encode the PEM file with `base64 -w0`")
        }
        return [UInt8](data)
      }
      guard let path = path(field) else { return nil }
      return try ConfigurationFile.read(
        path, field: "\(place).\(field)", in: entry.file, remedy: "correct the path, or let this user read the file")
    }

    func error(_ field: String, _ problem: String, _ remedy: String) -> ConfigurationError {
      ConfigurationError(file: entry.file, field: "\(place).\(field)", problem: problem, remedy: remedy)
    }
  }
}
