import KubernetesModels
import OperatorRuntime

/// Which changes wake which controller.
extension WorkloadControllers {
  private static func controller(
    _ name: String, _ context: WorkloadContext, workers: Int = 4, _ reconciler: any Reconciler
  ) -> Controller {
    // Conflicts of a cluster that settles are normal and short: no long waits.
    Controller(
      name: name, reconciler: reconciler, workers: workers, timeout: .seconds(60),
      retry: RequeuePolicy(initial: .milliseconds(5), maximum: .seconds(30)), logger: context.logger)
  }

  static func workloads(_ context: WorkloadContext) -> [Controller] {
    let pods = PodControl(context)

    let deployments = controller("deployment", context, DeploymentReconciler(context: context))
    deployments.watch(context.deployments)
    deployments.own(context.replicaSets, ownerKind: "Deployment")
    // Recreate waits for the last old pod; pods belong to replica sets, which belong to deployments.
    deployments.watch(
      context.pods,
      where: { change in if case .deleted = change { true } else { change.object.isFinished } },
      map: { pod in
        guard let owner = pod.controllingOwner, owner.kind == "ReplicaSet",
          let set = context.replicaSets.get(owner.name, in: pod.metadata.namespace),
          let deployment = set.controllingOwner
        else { return [] }
        return [ObjectKey(namespace: pod.metadata.namespace, name: deployment.name)]
      })

    let replicaSets = controller("replicaset", context, ReplicaSetReconciler(context: context, pods: pods))
    replicaSets.watch(context.replicaSets)
    replicaSets.watch(context.pods) { pod in
      if let owner = pod.controllingOwner {
        return owner.kind == "ReplicaSet" ? [ObjectKey(namespace: pod.metadata.namespace, name: owner.name)] : []
      }
      // An orphan may be adopted by any set that selects it.
      return context.replicaSets.list(namespace: pod.metadata.namespace)
        .filter { $0.spec?.selector.selects(pod.metadata.labels) ?? false }.map(\.key)
    }

    let statefulSets = controller("statefulset", context, StatefulSetReconciler(context: context))
    statefulSets.watch(context.statefulSets)
    statefulSets.own(context.pods, ownerKind: "StatefulSet")
    statefulSets.own(context.revisions, ownerKind: "StatefulSet")
    statefulSets.follow(context.claims)

    let jobs = controller("job", context, JobReconciler(context: context, pods: pods))
    jobs.watch(context.jobs)
    jobs.own(context.pods, ownerKind: "Job")

    let cronJobs = controller("cronjob", context, CronJobReconciler(context: context))
    cronJobs.watch(context.cronJobs)
    cronJobs.own(context.jobs, ownerKind: "CronJob")
    return [deployments, replicaSets, statefulSets, jobs, cronJobs]
  }

  static func endpoints(_ context: WorkloadContext) -> Controller {
    let endpoints = controller("endpointslice", context, EndpointReconciler(context: context))
    endpoints.watch(context.services)
    endpoints.watch(context.endpoints)
    endpoints.watch(context.slices) { slice in
      guard let name = slice.metadata.labels?[EndpointPlan.serviceLabel] else { return [] }
      return [ObjectKey(namespace: slice.metadata.namespace, name: name)]
    }
    endpoints.watch(context.pods) { pod in
      context.services.list(namespace: pod.metadata.namespace) { service in
        guard let selector = service.spec?.selector,
          !selector.isEmpty
        else { return false }
        return selector.allSatisfy { pod.metadata.labels?[$0.key] == $0.value }
      }.map(\.key)
    }
    return endpoints
  }

  static func namespaces(_ context: WorkloadContext) -> Controller {
    let namespaces = controller("namespace", context, NamespaceReconciler(context: context))
    let namespaceKey: @Sendable (String?) -> [ObjectKey] = { [ObjectKey(namespace: nil, name: $0 ?? "")] }
    namespaces.watch(context.namespaces)
    namespaces.watch(
      context.serviceAccounts, where: { $0.object.metadata.name == "default" },
      map: { namespaceKey($0.metadata.namespace) })
    namespaces.watch(
      context.configMaps, where: { $0.object.metadata.name == "kube-root-ca.crt" },
      map: { namespaceKey($0.metadata.namespace) })
    return namespaces
  }

  static func claims(_ context: WorkloadContext, _ volumes: DynamicInformer, _ classes: DynamicInformer) -> Controller {
    let claims = controller(
      "persistentvolumeclaim", context, ClaimReconciler(context: context, volumes: volumes, classes: classes))
    claims.watch(context.claims)
    claims.watch(volumes) { volume in
      guard let reference = volume.json.value(at: ["spec", "claimRef"]), let name = reference["name"]?.stringValue
      else {
        // A free volume may be what a claim waits for.
        return context.claims.list { $0.spec?.volumeName?.isEmpty != false }.map(\.key)
      }
      return [ObjectKey(namespace: reference["namespace"]?.stringValue, name: name)]
    }
    claims.watch(classes) { _ in context.claims.list { $0.spec?.volumeName?.isEmpty != false }.map(\.key) }
    // A claim that is being deleted goes when the last pod that mounts it has gone.
    claims.watch(
      context.pods, where: { change in if case .deleted = change { true } else { change.object.isFinished } },
      map: { pod in
        (pod.spec?.volumes ?? []).compactMap(\.persistentVolumeClaim?.claimName).map {
          ObjectKey(namespace: pod.metadata.namespace, name: $0)
        }
      })
    return claims
  }

  static func volumes(_ context: WorkloadContext, _ volumes: DynamicInformer) -> Controller {
    let reconciler = VolumeReconciler(context: context, volumes: volumes)
    let controller = controller("persistentvolume", context, workers: 2, reconciler)
    controller.watch(volumes) { [ObjectKey(namespace: nil, name: $0.name ?? "")] }
    controller.watch(
      context.claims, where: { change in if case .deleted = change { true } else { false } },
      map: { claim in claim.spec?.volumeName.map { [ObjectKey(namespace: nil, name: $0)] } ?? [] })
    return controller
  }

  static func budgets(_ context: WorkloadContext) -> Controller {
    let budgets = controller(
      "disruption", context, workers: 2, DisruptionBudgetReconciler(context: context))
    budgets.watch(context.budgets)
    budgets.watch(context.pods) { pod in
      context.budgets.list(namespace: pod.metadata.namespace)
        .filter { $0.spec?.selector?.selects(pod.metadata.labels) ?? false }.map(\.key)
    }
    budgets.follow(context.replicaSets)
    budgets.follow(context.deployments)
    budgets.follow(context.statefulSets)
    return budgets
  }

  static func autoscalers(_ context: WorkloadContext) -> Controller {
    let autoscalers = controller(
      "horizontalpodautoscaler", context, workers: 2, AutoscalerReconciler(context: context))
    autoscalers.watch(context.autoscalers)
    autoscalers.watch(context.deployments) { deployment in
      context.autoscalers.list(namespace: deployment.metadata.namespace).filter { autoscaler in
        autoscaler.spec.scaleTargetRef.kind == "Deployment"
          && autoscaler.spec.scaleTargetRef.name == deployment.metadata.name
      }.map(\.key)
    }
    return autoscalers
  }

  /// One worker: pods are placed one after the other, so that two never take the same room.
  static func scheduler(_ context: WorkloadContext, _ nodes: DynamicInformer) -> Controller {
    let reconciler = SchedulerReconciler(context: context, nodes: nodes, loads: NodeLoads(context.pods))
    let scheduler = controller("scheduler", context, workers: 1, reconciler)
    scheduler.watch(context.pods)
    scheduler.watch(nodes) { _ in
      context.pods.list { $0.spec?.nodeName?.isEmpty != false && !$0.isFinished }.map(\.key)
    }
    scheduler.follow(context.claims)
    return scheduler
  }
}
