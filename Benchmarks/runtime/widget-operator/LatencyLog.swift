import FoundationEssentials
import KubernetesModels
import Synchronization
import Widgets

/// How long after the driver's change each reconcile began. Both ends read the same machine's clock.
final class LatencyLog: Sendable {
  private struct State {
    var last: [String: String] = [:]
    var microseconds: [Int] = []
  }

  private let state = Mutex(State())

  /// Counts a change once, at the first reconcile that sees it.
  func note(_ widget: Widget) {
    guard let text = widget.metadata.annotations?[Widget.changedAnnotation], let changed = Int(text) else { return }
    let now = Nanoseconds.now
    state.withLock { state in
      let key = widget.metadata.name ?? ""
      guard state.last.updateValue(text, forKey: key) != text else { return }
      state.microseconds.append((now - changed) / 1000)
    }
  }

  func write(to path: String) throws {
    let lines = state.withLock { $0.microseconds.map(String.init).joined(separator: "\n") }
    try Data((lines + "\n").utf8).write(to: URL(filePath: path))
  }
}
