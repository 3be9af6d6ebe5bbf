import KubernetesModels
import Synchronization

/// Every resource that the server serves at the moment; CustomResourceDefinitions come and go.
final class ResourceRegistry: Sendable {
  private struct State {
    var byPath: [String: ResourceInfo] = [:]
    /// In the order of registration: discovery lists groups like this.
    var order: [String] = []
  }

  private let state = Mutex(State())

  init(_ resources: [ResourceInfo]) {
    state.withLock { state in
      for info in resources { Self.add(info, &state) }
    }
  }

  func find(group: String, version: String, plural: String) -> ResourceInfo? {
    state.withLock { $0.byPath["\(group)/\(version)/\(plural)"] }
  }

  /// All resources, first registered first.
  var all: [ResourceInfo] {
    state.withLock { state in state.order.compactMap { state.byPath[$0] } }
  }

  func find(apiVersion: String, kind: String) -> ResourceInfo? {
    all.first { $0.apiVersion == apiVersion && $0.kind == kind }
  }

  /// Puts the versions of a custom resource in the place of those that were there.
  func replaceCustom(group: String, plural: String, with versions: [ResourceInfo]) {
    state.withLock { state in
      for key in state.order {
        guard let info = state.byPath[key], info.isCustom, info.group == group, info.plural == plural else { continue }
        state.byPath[key] = nil
      }
      state.order.removeAll { state.byPath[$0] == nil }
      for info in versions { Self.add(info, &state) }
    }
  }

  private static func add(_ info: ResourceInfo, _ state: inout State) {
    let key = "\(info.group)/\(info.version)/\(info.plural)"
    if state.byPath.updateValue(info, forKey: key) == nil { state.order.append(key) }
  }
}
