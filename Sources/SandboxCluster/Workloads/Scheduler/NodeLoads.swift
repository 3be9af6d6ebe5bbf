import KubernetesModels
import OperatorRuntime
import Synchronization

/// How full each node is, kept current with every change of a pod.
///
/// A pod takes its room from the moment that it is bound, before the store shows it.
final class NodeLoads: Sendable {
  private struct Place {
    var node: String
    var requests: [String: Quantity]
  }

  private struct State {
    var places: [String: Place] = [:]
    var loads: [String: SchedulingPlan.Load] = [:]
  }

  private let state = Mutex(State())

  init(_ pods: Informer<Pod>) {
    pods.observe { [weak self] change in
      guard let uid = change.object.metadata.uid else { return }
      if case .deleted = change {
        self?.set(nil, for: uid)
      } else if let node = change.object.spec?.nodeName, !node.isEmpty {
        self?.set(change.object.isFinished ? nil : change.object, for: uid, on: node)
      }
    }
  }

  func load(of node: String) -> SchedulingPlan.Load {
    state.withLock { $0.loads[node] ?? SchedulingPlan.Load() }
  }

  func assume(_ pod: Pod, on node: String) {
    guard let uid = pod.metadata.uid else { return }
    set(pod, for: uid, on: node)
  }

  /// The pods with the nodes that they are bound to by now.
  func placed(_ pods: [Pod]) -> [Pod] {
    let places = state.withLock { $0.places }
    return pods.map { pod in
      guard pod.spec?.nodeName == nil, let place = pod.metadata.uid.flatMap({ places[$0] }) else { return pod }
      var pod = pod
      pod.spec?.nodeName = place.node
      return pod
    }
  }

  private func set(_ pod: Pod?, for uid: String, on node: String = "") {
    let requests = pod.map(SchedulingPlan.requests(of:)) ?? [:]
    state.withLock { state in
      if let old = state.places.removeValue(forKey: uid) {
        state.loads[old.node]?.pods -= 1
        for (resource, amount) in old.requests { state.loads[old.node]?.requested[resource, default: .zero] -= amount }
      }
      guard pod != nil else { return }
      state.places[uid] = Place(node: node, requests: requests)
      state.loads[node, default: SchedulingPlan.Load()].pods += 1
      for (resource, amount) in requests {
        state.loads[node, default: SchedulingPlan.Load()].requested[resource, default: .zero] += amount
      }
    }
  }
}
