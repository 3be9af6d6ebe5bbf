import FoundationEssentials
import KubernetesClient
import KubernetesModels
import Logging
import Synchronization

/// What all pods of a node share.
struct PodServices: Sendable {
  var configuration: NodeConfiguration
  var client: KubernetesClient
  var podman: Podman
  var runtime: ContainerRuntime
  var images: ImageStore
  var watcher: ProcessWatcher
  var network: HostNetwork
  var addresses: AddressPool
  var events: PodEvents
  var reader: ConfigurationReader
  var machine: MachineCapacity
  var limits: ContainerSpecification.Limits
  var logger: Logger

  var hostAddress: String { configuration.network.gateway.description }

  func folder(_ pod: Pod) -> String { "\(configuration.dataFolder)/pods/\(pod.metadata.uid ?? "")" }

  /// Logs are kept apart from volumes: they stay until the object goes.
  func logPath(_ pod: Pod, container: String, attempt: Int) -> String {
    "\(configuration.dataFolder)/logs/\(pod.metadata.uid ?? "")/\(container)/\(attempt).log"
  }

  func volumes(_ pod: Pod, address: IPv4Address?) -> PodVolumes {
    let (machine, host) = (machine, hostAddress)
    return PodVolumes(reader: reader, folder: folder(pod)) { pod in
      PodFields(pod: pod, address: address, hostAddress: host, machine: machine)
    }
  }
}

/// Hands out the addresses of the pod network, each again only after all others.
final class AddressPool: Sendable {
  private struct State {
    var used: Set<IPv4Address> = []
    var next: IPv4Address
  }

  private let network: IPv4Network
  private let first: IPv4Address
  private let state: Mutex<State>

  /// - Parameter reserved: addresses at the start of the network that pods do not get.
  init(_ network: IPv4Network, reserved: UInt32) {
    self.network = network
    first = network.first.advanced(by: reserved)
    state = Mutex(State(next: first))
  }

  /// Nil when all are taken.
  func take() -> IPv4Address? {
    state.withLock { state in
      for _ in 0..<network.count {
        let candidate = state.next
        let following = candidate.advanced(by: 1)
        // The last address of a network is its broadcast address.
        state.next = network.contains(following.advanced(by: 1)) ? following : first
        if state.used.insert(candidate).inserted { return candidate }
      }
      return nil
    }
  }

  func giveBack(_ address: IPv4Address) {
    state.withLock { _ = $0.used.remove(address) }
  }
}
