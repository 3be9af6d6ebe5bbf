public import KubernetesClient
public import KubernetesModels
public import Logging
import Synchronization

/// What kind of event it is, as `kubectl describe` shows it.
public enum EventType: String, Sendable {
  case normal = "Normal"
  case warning = "Warning"
}

/// Writes events (events.k8s.io/v1) about objects. Repetitions become one series; floods are held back.
///
/// Recording never fails: what the server refuses is logged and dropped, because no work should stop for an event.
public struct EventRecorder: Sendable {
  private final class Memory: Sendable {
    let state = Mutex(EventSeriesState())
  }

  private let client: KubernetesClient
  private let controller: String
  private let instance: String
  private let logger: Logger
  private let time: TimeSource
  private let memory = Memory()

  /// - Parameters:
  ///   - controller: e.g. `example.com/operator`.
  ///   - instance: Tells replicas of the controller apart; usually the pod's name.
  public init(
    client: KubernetesClient, controller: String, instance: String, logger: Logger = Logger(label: "events"),
    clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.client = client
    self.controller = controller
    self.instance = instance
    self.logger = logger
    time = TimeSource(clock)
  }

  /// - Parameters:
  ///   - reason: A CamelCase word that programs can match, at most 128 characters.
  ///   - message: A sentence for people; longer than 1,024 bytes is cut.
  ///   - action: What was done or tried, CamelCase.
  public func record(
    _ type: EventType, regarding object: ObjectReference, reason: String, message: String, action: String
  ) async {
    let message = String(decoding: message.utf8.prefix(1000), as: UTF8.self)
    let identity = EventSeriesState.Identity(
      objectUID: object.uid ?? "", objectKind: object.kind ?? "",
      object: ObjectKey(namespace: object.namespace, name: object.name ?? ""), type: type.rawValue, reason: reason,
      message: message, action: action)
    let now = time.now
    let decision = memory.state.withLock { state in
      state.decide(identity, at: now) {
        (object.name ?? "event") + "." + String(UInt64.random(in: .min ... .max), radix: 16)
      }
    }
    // Events about cluster-scoped objects live in `default` (API rule of events.k8s.io).
    let namespace = object.namespace ?? "default"
    do {
      switch decision {
      case .drop: return
      case .create(let name, let note):
        _ = try await client.create(
          Event(
            action: action, eventTime: .now, metadata: ObjectMeta(name: name, namespace: namespace), note: note,
            reason: reason, regarding: object, reportingController: controller, reportingInstance: instance,
            type: type.rawValue))
      case .updateSeries(let name, let count):
        let series: JSONValue = [
          "count": .integer(Int64(count)), "lastObservedTime": try JSONValue(encoding: MicroTime.now),
        ]
        _ = try await client.patch(Event.self, name, in: namespace, .merge(["series": series]))
      }
    } catch {
      memory.state.withLock { $0.forget(identity) }
      logger.debug("event not written", metadata: ["reason": "\(reason)", "error": "\(error)"])
    }
  }

  /// Records an event about an object that was read from the server.
  public func record(
    _ type: EventType, regarding object: some KubernetesResource, reason: String, message: String, action: String
  ) async {
    await record(
      type, regarding: ObjectReference(to: object), reason: reason, message: message, action: action)
  }
}

extension ObjectReference {
  /// A reference to an object that was read from the server.
  public init(to object: some KubernetesResource) {
    let type = Swift.type(of: object).resourceType
    self.init(
      apiVersion: type.apiVersion, kind: type.kind, name: object.metadata.name,
      namespace: object.metadata.namespace, resourceVersion: object.metadata.resourceVersion, uid: object.metadata.uid)
  }
}
