import KubernetesModels
import RTXPlatformAPI

/// The scheduled logical dump (deployment architecture: "Automated Backup CronJob").
struct BackupObjects {
  let platform: RTXPlatform

  private var spec: BackupSpec { platform.spec.backup }
  private var scriptName: String { platform.objectName(.backup) }

  var claim: PersistentVolumeClaim {
    platform.claim(.backup, size: spec.storage.size, storageClassName: spec.storage.storageClassName)
  }

  var objects: [any KubernetesResource] { [script, cronJob] }

  private var script: ConfigMap {
    ConfigMap(data: ["dump.sh": DumpScript.text], metadata: platform.objectMetadata(.backup))
  }

  var cronJob: CronJob {
    CronJob(
      metadata: platform.objectMetadata(.backup),
      spec: CronJobSpec(
        // A dump that takes longer than an hour must not be overtaken by the next one.
        concurrencyPolicy: "Forbid",
        failedJobsHistoryLimit: 3,
        jobTemplate: JobTemplateSpec(
          metadata: ObjectMeta(labels: platform.labels(.backup)),
          spec: JobSpec(activeDeadlineSeconds: spec.timeoutSeconds, backoffLimit: 2, template: template)),
        schedule: spec.schedule,
        startingDeadlineSeconds: 600,
        successfulJobsHistoryLimit: 3,
        timeZone: spec.timeZone))
  }

  private var template: PodTemplateSpec {
    platform.podTemplate(
      PodBlueprint(
        component: .backup, user: PostgresObjects.user, main: main,
        volumes: [
          .claim("backup", platform.objectName(.backup)), .configMap("script", scriptName), .scratch("tmp"),
        ],
        restartPolicy: "OnFailure"),
      spec)
  }

  private var main: Container {
    let address = platform.postgresAddress
    return Container(
      command: ["/bin/bash", "/script/dump.sh"],
      env: [
        EnvVar(name: "PGHOST", value: address.host),
        EnvVar(name: "PGPORT", value: String(address.port)),
        EnvVar(name: "PGDATABASE", value: platform.spec.postgres.database),
        // A dead address must not hold the dump for minutes.
        EnvVar(name: "PGCONNECT_TIMEOUT", value: "10"),
        user, password,
        EnvVar(name: "RETENTION_DAYS", value: String(spec.retentionDays)),
      ],
      image: platform.spec.postgres.image, imagePullPolicy: platform.spec.postgres.imagePullPolicy, name: "backup",
      volumeMounts: [
        VolumeMount(mountPath: "/backup", name: "backup"),
        VolumeMount(mountPath: "/script", name: "script", readOnly: true),
        VolumeMount(mountPath: "/tmp", name: "tmp"),
      ])
  }

  /// The superuser reads every table; of a database that others run, only the trading server's role is known.
  private var user: EnvVar {
    platform.spec.postgres.external == nil
      ? EnvVar(name: "PGUSER", value: "postgres")
      : .secret("PGUSER", from: platform.credentialsSecretName, key: CredentialKey.databaseUser.rawValue)
  }

  private var password: EnvVar {
    platform.spec.postgres.external == nil
      ? .secret(
        "PGPASSWORD", from: platform.objectName(.postgres, "secrets"),
        key: PostgresSecretKey.superuserPassword.rawValue)
      : .secret("PGPASSWORD", from: platform.credentialsSecretName, key: CredentialKey.databasePassword.rawValue)
  }
}
