import KubernetesModels

/// The server's clock as the API writes times.
enum ServerTime {
  /// RFC 3339 with seconds, as `metadata.creationTimestamp`.
  static var nowText: String { Timestamp.now.description }
  static var now: JSONValue { .string(nowText) }
}
