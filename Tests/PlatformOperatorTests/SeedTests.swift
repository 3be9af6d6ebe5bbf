import KubernetesModels
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

/// The numbers of the deployment architecture's manifests come out of an empty spec.
struct SeedTests {
  private let platform = SamplePlatforms.plain()

  private func find<Object: KubernetesResource>(_ type: Object.Type, _ name: String) throws -> JSONValue {
    let object = Preflight.objects(of: platform).first { $0 is Object && $0.metadata.name == name }
    return try #require(object as? Object).json
  }

  private func expect(_ json: JSONValue, _ path: String, _ value: JSONValue) {
    var found: JSONValue? = json
    for step in path.split(separator: ".") {
      found = Int(step).map { found?[$0] } ?? found?[String(step)]
    }
    #expect(found == value, "\(path)")
  }

  @Test func backendDeployment() throws {
    let objects = BackendObjects(platform: platform, checksum: "c", replicas: .byOperator(3))
    let json = objects.deployment.json
    expect(json, "spec.replicas", 3)
    expect(json, "spec.strategy.rollingUpdate.maxSurge", 1)
    expect(json, "spec.strategy.rollingUpdate.maxUnavailable", 0)
    let pod = try #require(json.value(at: ["spec", "template", "spec"]))
    expect(pod, "securityContext.runAsUser", 1000)
    expect(pod, "initContainers.1.command.2", "up")
    let main = try #require(pod["containers"]?[0])
    expect(main, "ports.0.containerPort", 7999)
    expect(main, "resources.requests.cpu", "250m")
    expect(main, "resources.requests.memory", "256Mi")
    expect(main, "resources.limits.cpu", "500m")
    expect(main, "resources.limits.memory", "512Mi")
    expect(main, "livenessProbe.httpGet.path", "/health")
    expect(main, "livenessProbe.initialDelaySeconds", 30)
    expect(main, "livenessProbe.timeoutSeconds", 5)
    expect(main, "readinessProbe.initialDelaySeconds", 5)
    expect(main, "startupProbe.failureThreshold", 30)
    expect(main, "startupProbe.periodSeconds", 10)
    expect(main, "volumeMounts.0.mountPath", "/tmp")
  }

  @Test func backendServiceAndAutoscaler() throws {
    let service = try find(Service.self, "trading-backend")
    expect(service, "spec.ports.0.port", 80)
    expect(service, "spec.sessionAffinity", "ClientIP")
    expect(service, "spec.sessionAffinityConfig.clientIP.timeoutSeconds", 10800)
    let scaler = try find(HorizontalPodAutoscaler.self, "trading-backend")
    expect(scaler, "spec.minReplicas", 3)
    expect(scaler, "spec.maxReplicas", 10)
    expect(scaler, "spec.metrics.0.resource.target.averageUtilization", 70)
    expect(scaler, "spec.metrics.1.resource.target.averageUtilization", 80)
    expect(scaler, "spec.behavior.scaleDown.stabilizationWindowSeconds", 300)
    expect(scaler, "spec.behavior.scaleDown.policies.0", ["type": "Percent", "value": 50, "periodSeconds": 60])
    expect(scaler, "spec.behavior.scaleUp.stabilizationWindowSeconds", 60)
    expect(scaler, "spec.behavior.scaleUp.policies.0", ["type": "Percent", "value": 100, "periodSeconds": 30])
  }

  @Test func configurationKeysAndValues() {
    let data = ConfigurationObjects(platform: platform).configuration
    #expect(
      data == [
        "BROKER_NAME": "RTX Trading", "PRICE_FEED_LP": "SIM", "EXECUTION_MODE": "BBOOK", "ENVIRONMENT": "production",
        "DB_HOST": "trading-postgres-rw.rtx-trading.svc", "DB_PORT": "5432", "DB_NAME": "trading_engine",
        "REDIS_HOST": "trading-redis.rtx-trading.svc", "REDIS_PORT": "6379", "PORT": "7999", "LOG_LEVEL": "info",
      ])
  }

  @Test func postgres() throws {
    let json = try find(StatefulSet.self, "trading-postgres")
    expect(json, "spec.replicas", 3)
    expect(json, "spec.podManagementPolicy", "Parallel")
    expect(json, "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "50Gi")
    let main = try #require(json.value(at: ["spec", "template", "spec"])?["containers"]?[0])
    expect(main, "resources.requests.cpu", "1")
    expect(main, "resources.requests.memory", "2Gi")
    expect(main, "resources.limits.memory", "4Gi")
    // Patroni finds its members by this label.
    let labels = try #require(json.value(at: ["spec", "template", "metadata", "labels"])?.objectValue)
    #expect(labels[PlatformConstants.scopeLabel] == "trading-postgres")
    let service = try find(Service.self, "trading-postgres-rw")
    expect(service, "spec.selector.role", "primary")
    let patroni = PatroniConfiguration(platform: platform).dynamic
    expect(patroni, "ttl", 20)
    expect(patroni, "loop_wait", 1)
    expect(patroni, "retry_timeout", 3)
    expect(patroni, "primary_start_timeout", 0)
    expect(patroni, "synchronous_mode", true)
    expect(patroni, "postgresql.parameters.shared_buffers", "512MB")
  }

  /// The StatefulSet controller refuses another template; claims that are there are made larger one by one.
  @Test func aLargerDiskLeavesTheClaimTemplateAsItIs() throws {
    let made = PostgresObjects(platform: platform).statefulSet
    let larger = SamplePlatforms.plain { $0.spec.postgres.storage.size = "80Gi" }
    let objects = PostgresObjects(platform: larger, observed: made)
    #expect(objects.statefulSet.spec?.volumeClaimTemplates == made.spec?.volumeClaimTemplates)
    let claim = PersistentVolumeClaim(
      metadata: ObjectMeta(name: "data-trading-postgres-0"),
      spec: platform.claimSpec(size: "50Gi", storageClassName: nil))
    #expect(ClaimGrowth.isNeeded(claim, wanted: "80Gi") && !ClaimGrowth.isNeeded(claim, wanted: "50Gi"))
    #expect(throws: SpecProblem.self) { try ClaimGrowth.check(claim, wanted: "20Gi", path: "p") }
  }

  /// A token dies with its ServiceAccount: only a new pod gets one of the account that took its place.
  @Test func anotherServiceAccountIsAnotherPodTemplate() {
    var objects = PostgresObjects(platform: platform)
    objects.serviceAccountUID = "one"
    let before = objects.statefulSet.spec?.template
    #expect(before?.metadata?.annotations?[PlatformConstants.serviceAccountAnnotation] == "one")
    objects.serviceAccountUID = "two"
    #expect(objects.statefulSet.spec?.template != before)
  }

  @Test func patroniFileIsYAMLAndNamesNoNamespace() throws {
    let file = try #require(try YAML.parse(PatroniConfiguration(platform: platform).yaml).first)
    #expect(file["namespace"] == nil)
    expect(file, "scope", "trading-postgres")
    expect(file, "kubernetes.use_endpoints", false)
    expect(file, "kubernetes.leader_label_value", "primary")
    expect(file, "postgresql.basebackup.checkpoint", "fast")
    let rules = try #require(file.value(at: ["postgresql", "pg_hba"])?.arrayValue)
    #expect(rules.contains { $0.stringValue?.contains("127.0.0.1/32") == true })
    #expect(!rules.contains { $0.stringValue?.contains("trust") == true })
  }

  @Test func redisHoldsItsPasswordInNoArgument() throws {
    let json = try find(Deployment.self, "trading-redis")
    expect(json, "spec.strategy.type", "Recreate")
    let main = try #require(json.value(at: ["spec", "template", "spec"])?["containers"]?[0])
    expect(main, "resources.requests.memory", "512Mi")
    expect(main, "resources.limits.cpu", "500m")
    #expect(main["args"] == nil)
    expect(try find(PersistentVolumeClaim.self, "trading-redis"), "spec.resources.requests.storage", "10Gi")
  }

  @Test func ingressLimitsOfTheArchitecture() throws {
    let json = try #require(IngressObjects(platform: SamplePlatforms.adorned).objects.first).json
    let annotations = try #require(json.value(at: ["metadata", "annotations"])?.objectValue)
    for (name, value) in [
      "limit-rps": "100", "limit-connections": "10", "proxy-body-size": "10m", "proxy-connect-timeout": "60",
      "proxy-read-timeout": "3600", "proxy-send-timeout": "3600", "ssl-redirect": "true",
    ] { #expect(annotations["nginx.ingress.kubernetes.io/\(name)"]?.stringValue == value, "\(name)") }
    #expect(annotations["cert-manager.io/cluster-issuer"]?.stringValue == "letsencrypt-prod")
    expect(json, "spec.tls.0.secretName", "trading-tls")
    #expect(IngressObjects(platform: platform).objects.isEmpty)
  }

  @Test func policiesOpenExactlyTheNeededFlows() throws {
    let objects = NetworkPolicyObjects(
      platform: platform, apiServer: [.init(address: "10.0.0.1", port: 6443)]
    ).objects.compactMap { $0 as? NetworkPolicy }
    let byName = Dictionary(uniqueKeysWithValues: objects.map { ($0.metadata.name ?? "", $0) })
    #expect(byName.count == 5)
    let backend = try #require(byName["trading-network-backend"]?.spec)
    let ports = (backend.egress ?? []).map { rule in (rule.ports ?? []).compactMap { $0.port?.intValue } }
    #expect(ports == [[5432], [6379], [53, 53], [443]])
    let postgres = try #require(byName["trading-network-postgres"]?.spec)
    #expect(postgres.egress?.last?.to?.first?.ipBlock?.cidr == "10.0.0.1/32")
    #expect(postgres.egress?.last?.ports?.first?.port == .int(6443))
    let denied = try #require(byName["trading-network-default-deny"]?.spec)
    #expect(denied.ingress == nil && denied.egress == nil && denied.policyTypes == ["Ingress", "Egress"])
  }

  @Test func backupSchedule() throws {
    let json = try find(CronJob.self, "trading-backup")
    expect(json, "spec.schedule", "0 * * * *")
    expect(json, "spec.concurrencyPolicy", "Forbid")
  }
}
