import KubernetesModels
import RTXPlatformAPI

/// The Jobs that a release waits for.
struct ReleaseJobs {
  let platform: RTXPlatform
  let checksum: String
  /// Numbers the release; a Job of another one is never mistaken for this one's.
  let attempt: Int
  /// Whether there is no older version that all migrations would have to leave a way for.
  var isFirst = false

  /// How long ended Jobs and their logs stay.
  private static let secondsToLive = 86_400

  func name(_ task: ReleaseTask) -> String { "\(platform.name)-release-\(attempt)-\(task.jobSuffix)" }

  /// - Parameter image: of the trading server that the task is run with; nil takes the spec's.
  /// - Returns: Nil where the task is no Job.
  func job(_ task: ReleaseTask, image: String? = nil) -> Job? {
    switch task {
    case .backup: backup
    case .expand: trading(task, ["migrate", "up"] + (isFirst ? [] : ["--phase", "expand"]), image)
    case .contract: trading(task, ["migrate", "up", "--phase", "contract"], image)
    case .smokeTests: platform.spec.rollout.smokeTestContainer.map(smokeTest)
    case .watch: nil
    }
  }

  private var backup: Job {
    let dump = BackupObjects(platform: platform)
    var spec = dump.cronJob.spec.jobTemplate.spec ?? JobSpec(template: PodTemplateSpec())
    spec.ttlSecondsAfterFinished = Self.secondsToLive
    return Job(metadata: metadata(.backup), spec: spec)
  }

  private func trading(_ task: ReleaseTask, _ arguments: [String], _ image: String?) -> Job {
    var template = releaseTemplate
    var container = template.spec?.containers.first ?? Container(name: "")
    container.name = task.jobSuffix
    container.command = ["/usr/local/bin/rtx-server"] + arguments
    if let image { container.image = image }
    template.spec?.containers = [container]
    return job(task, template)
  }

  private func smokeTest(_ container: Container) -> Job {
    var container = container
    container.env =
      [EnvVar(name: "PREVIEW_URL", value: "http://\(platform.serviceHost(.backend, "preview"))")]
      + (container.env ?? [])
    var template = releaseTemplate
    template.spec?.initContainers = nil
    template.spec?.containers = [container]
    return job(.smokeTests, template)
  }

  private func job(_ task: ReleaseTask, _ template: PodTemplateSpec) -> Job {
    Job(
      metadata: metadata(task),
      spec: JobSpec(
        activeDeadlineSeconds: platform.spec.rollout.progressDeadlineSeconds, backoffLimit: 2, template: template,
        ttlSecondsAfterFinished: Self.secondsToLive))
  }

  private func metadata(_ task: ReleaseTask) -> ObjectMeta {
    var metadata = platform.objectMetadata(.backend)
    metadata.name = name(task)
    metadata.labels = labels
    return metadata
  }

  private var labels: [String: String] {
    platform.labels(.backend).merging(["app.kubernetes.io/component": PlatformConstants.releaseComponent]) { $1 }
  }

  /// A trading server's pod that serves nobody and belongs to no Service.
  private var releaseTemplate: PodTemplateSpec {
    let backend = BackendObjects(platform: platform, checksum: checksum, replicas: .byAutoscaler)
    var template = backend.template(migrations: [])
    template.metadata = ObjectMeta(labels: labels)
    var main = template.spec?.containers.first ?? backend.container("main", [])
    main.livenessProbe = nil
    main.readinessProbe = nil
    main.startupProbe = nil
    main.ports = nil
    template.spec?.containers = [main]
    let initContainers = template.spec?.initContainers ?? []
    template.spec?.initContainers = initContainers.filter { $0.name == "wait-for-dependencies" }
    template.spec?.restartPolicy = "Never"
    template.spec?.affinity = nil
    template.spec?.topologySpreadConstraints = nil
    return template
  }
}

extension ReleaseTask {
  fileprivate var jobSuffix: String {
    switch self {
    case .backup: "backup"
    case .expand: "expand"
    case .smokeTests: "smoke"
    case .watch: "watch"
    case .contract: "contract"
    }
  }
}

extension TaskState {
  init(_ job: Job?) {
    guard let job else {
      self = .notStarted
      return
    }
    let verdict = job.status?.conditions?.first { ["Complete", "Failed"].contains($0.type) && $0.status == "True" }
    self =
      switch verdict?.type {
      case "Complete": .succeeded
      case "Failed": .failed("\(verdict?.message ?? "failed"); see kubectl logs job/\(job.metadata.name ?? "")")
      default: .running
      }
  }
}
