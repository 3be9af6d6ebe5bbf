/// Tunables of an informer.
public struct InformerOptions: Sendable {
  /// Only objects with these labels; a smaller store.
  public var labelSelector: String?
  /// Only objects with these fields, e.g. `spec.nodeName=a`; which fields depends on the type.
  public var fieldSelector: String?
  /// Objects asked for in one list request.
  public var pageSize: Int
  /// Get the first list by a watch where the server can do that (Kubernetes API concepts, "Streaming lists"): it never
  /// has to hold the whole list in memory. Servers that cannot are asked for pages.
  public var streamsLists: Bool
  /// The server is asked to end a watch after this many seconds (a random part is added), so that load spreads.
  public var watchSeconds: Int
  /// A watch without any event or bookmark for this long is dropped and opened again from the last version.
  public var idleTimeout: Duration
  public var backoff: Backoff

  public init(
    labelSelector: String? = nil, fieldSelector: String? = nil, pageSize: Int = 500, streamsLists: Bool = true,
    watchSeconds: Int = 300, idleTimeout: Duration = .seconds(150), backoff: Backoff = Backoff()
  ) {
    self.labelSelector = labelSelector
    self.fieldSelector = fieldSelector
    self.pageSize = pageSize
    self.streamsLists = streamsLists
    self.watchSeconds = watchSeconds
    self.idleTimeout = idleTimeout
    self.backoff = backoff
  }
}
