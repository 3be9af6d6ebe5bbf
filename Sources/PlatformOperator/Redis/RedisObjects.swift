import KubernetesModels
import RTXPlatformAPI

/// Redis as one pod with one disk (deployment architecture: "6. Redis Deployment", "7. Redis Service").
struct RedisObjects {
  /// The user that the image's program runs as.
  static let user = 999

  let platform: RTXPlatform
  /// Of the credentials: a new password restarts Redis.
  let checksum: String

  private var spec: RedisSpec { platform.spec.redis }

  var claim: PersistentVolumeClaim {
    platform.claim(.redis, size: spec.storage.size, storageClassName: spec.storage.storageClassName)
  }

  var objects: [any KubernetesResource] { [service, deployment] }

  private var service: Service {
    Service(
      metadata: platform.objectMetadata(.redis),
      spec: ServiceSpec(
        ports: [.tcp(PlatformPort.redis, "redis")], selector: platform.selectorLabels(.redis), type: "ClusterIP"))
  }

  /// Recreate: two pods must not write one disk.
  var deployment: Deployment {
    Deployment(
      metadata: platform.objectMetadata(.redis),
      spec: DeploymentSpec(
        replicas: 1,
        selector: LabelSelector(matchLabels: platform.selectorLabels(.redis)),
        strategy: DeploymentStrategy(type: "Recreate"),
        template: platform.podTemplate(
          PodBlueprint(
            component: .redis, user: Self.user, main: main,
            volumes: [.claim("data", platform.objectName(.redis)), .scratch("tmp")],
            annotations: [PlatformConstants.checksumAnnotation: checksum]),
          spec)))
  }

  private var main: Container {
    let secret = platform.credentialsSecretName
    let password = CredentialKey.redisPassword.rawValue
    // redis-cli reports errors such as LOADING with exit code 0, so the answer is looked at.
    let ping = ["/bin/sh", "-c", "redis-cli ping | grep -q PONG"]
    return Container(
      command: ["/bin/sh", "-c", startScript],
      env: [
        .secret("REDIS_PASSWORD", from: secret, key: password), .secret("REDISCLI_AUTH", from: secret, key: password),
      ],
      image: spec.image, imagePullPolicy: spec.imagePullPolicy,
      livenessProbe: .exec(ping, spec.probes.liveness), name: "redis", ports: [.tcp(PlatformPort.redis, "redis")],
      readinessProbe: .exec(ping, spec.probes.readiness),
      volumeMounts: [VolumeMount(mountPath: "/data", name: "data"), VolumeMount(mountPath: "/tmp", name: "tmp")])
  }

  /// The configuration goes in by standard input, so that the password stands in no argument and no file.
  private var startScript: String {
    """
    password=$(printf %s "$REDIS_PASSWORD" | sed 's/[\\\\"]/\\\\&/g')
    exec redis-server - <<EOF
    bind * -::*
    port \(PlatformPort.redis)
    dir /data
    appendonly \(spec.appendOnly ? "yes" : "no")
    requirepass "$password"
    EOF
    """
  }
}
