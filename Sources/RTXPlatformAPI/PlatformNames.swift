public import KubernetesModels

/// Names and labels that stand in every cluster and must never change.
public enum PlatformConstants {
  /// Field manager of every desired object, and value of `app.kubernetes.io/managed-by`.
  public static let manager = "rtx-operator"
  /// The label that every object of a platform carries, with the platform's name.
  public static let platformLabel = "rtx.trading/platform"
  /// Held until data is dealt with as `spec.deletionPolicy` says.
  public static let finalizer = "rtx.trading/platform"
  /// Put on pod templates so that a change of configuration or credentials rolls them.
  public static let checksumAnnotation = "rtx.trading/config-checksum"
  /// The uid of the ServiceAccount whose token a pod talks to the API server with.
  public static let serviceAccountAnnotation = "rtx.trading/service-account-uid"
  /// `operator` or `autoscaler`: who sets the replicas of the Deployment that carries it.
  public static let replicasOwnerAnnotation = "rtx.trading/replicas-owner"
  /// Pod label: which of a blue-green platform's Deployments the pod is of.
  public static let colourLabel = "rtx.trading/colour"
  /// Pod label, and annotation of Deployments: the version of everything that is in a pod.
  public static let revisionLabel = "rtx.trading/revision"
  /// Annotation of a platform, `VERB REVISION`: what a person wants of a release.
  public static let releaseAnnotation = "rtx.trading/release"
  /// `app.kubernetes.io/component` of the pods of a release's Jobs.
  public static let releaseComponent = "release"
  /// The pod label that Patroni keeps at `primary` or `replica`.
  public static let roleLabel = "role"
  /// The label that Patroni finds the objects of one database cluster by.
  public static let scopeLabel = "rtx.trading/postgres-cluster"
  /// PostgreSQL's superuser, its replication user and Patroni's REST user; not to be had for the trading server.
  public static let reservedDatabaseUsers: Set<String> = ["postgres", "replicator"]
}

extension RTXPlatform {
  /// The platform's own name; empty only before it was read from an API server.
  public var name: String { metadata.name ?? "" }
  public var namespace: String { metadata.namespace ?? "" }

  /// `<platform>-<component>` or `<platform>-<component>-<part>`: the name of one of the platform's objects.
  public func objectName(_ component: PlatformComponent, _ part: String? = nil) -> String {
    "\(name)-\(component.rawValue)" + (part.map { "-\($0)" } ?? "")
  }

  /// Labels that select a component's pods. Immutable in Deployments and StatefulSets, so never add to them.
  public func selectorLabels(_ component: PlatformComponent) -> [String: String] {
    [PlatformConstants.platformLabel: name, "app.kubernetes.io/component": component.rawValue]
  }

  /// All labels of a component's objects (Kubernetes: "Recommended Labels").
  public func labels(_ component: PlatformComponent) -> [String: String] {
    selectorLabels(component).merging([
      "app.kubernetes.io/name": component.applicationName,
      "app.kubernetes.io/instance": name,
      "app.kubernetes.io/part-of": "rtx-platform",
      "app.kubernetes.io/managed-by": PlatformConstants.manager,
    ]) { own, _ in own }
  }

  /// Metadata of an object that goes when the platform goes.
  public func objectMetadata(
    _ component: PlatformComponent, _ part: String? = nil, annotations: [String: String]? = nil
  ) -> ObjectMeta {
    var metadata = dataMetadata(component, part)
    metadata.annotations = annotations
    metadata.ownerReferences = [
      OwnerReference(
        apiVersion: Self.resourceType.apiVersion, blockOwnerDeletion: true, controller: true,
        kind: Self.resourceType.kind, name: name, uid: self.metadata.uid ?? "")
    ]
    return metadata
  }

  /// Metadata of an object that holds data: it has no owner, so that deleting the platform leaves it.
  public func dataMetadata(_ component: PlatformComponent, _ part: String? = nil) -> ObjectMeta {
    ObjectMeta(labels: labels(component), name: objectName(component, part), namespace: namespace)
  }

  /// A selector in the form that lists and the scale subresource take.
  public func selectorText(_ component: PlatformComponent) -> String {
    selectorLabels(component).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }

  /// Patroni's name of the database cluster; its ConfigMaps are `<scope>-leader`, `-config`, `-sync`, `-failover`.
  public var postgresScope: String { objectName(.postgres) }
}
