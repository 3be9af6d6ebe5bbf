import KubernetesModels
import RTXPlatformAPI

extension ReleaseWish {
  /// What the platform's annotation asks for.
  ///
  /// Who asks is taken from the API server's record of the write (`metadata.managedFields`), not from the text. That
  /// record names the program that wrote, for example `kubectl-annotate`, and the time; the person behind it is in the API
  /// server's audit log of that time.
  /// - Returns: Nil without the annotation, or with one that says nothing that is known.
  init?(_ platform: RTXPlatform) {
    guard let text = platform.metadata.annotations?[PlatformConstants.releaseAnnotation] else { return nil }
    let words = text.split(separator: " ")
    guard words.count >= 2, let verb = Verb(rawValue: String(words[0])) else { return nil }
    let field = "f:" + PlatformConstants.releaseAnnotation
    let writer = platform.metadata.managedFields?.last { entry in
      entry.fieldsV1?["f:metadata"]?["f:annotations"]?[field] != nil
    }
    let author = writer.map { "\($0.manager ?? "unknown")\($0.time.map { " at \($0)" } ?? "")" }
    self.init(verb: verb, revision: String(words[1]), author: author, token: "\(text) by \(author ?? "unknown")")
  }
}
