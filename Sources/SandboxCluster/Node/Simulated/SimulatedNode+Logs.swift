public import KubernetesClient

extension SimulatedNode: PodLogSource {
  /// There is no log, because nothing runs; the answer says so.
  public func logs(_ request: PodLogRequest) async throws -> ResponseBody {
    ResponseBody(bytes: Array("\(Self.notice); it has no log.\n".utf8))
  }
}
