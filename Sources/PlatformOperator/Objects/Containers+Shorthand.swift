import KubernetesModels

extension EnvVar {
  static func secret(_ name: String, from secret: String, key: String) -> EnvVar {
    EnvVar(name: name, valueFrom: EnvVarSource(secretKeyRef: SecretKeySelector(key: key, name: secret)))
  }

  /// A field of the pod itself (Kubernetes: "Downward API").
  static func field(_ name: String, _ path: String) -> EnvVar {
    EnvVar(name: name, valueFrom: EnvVarSource(fieldRef: ObjectFieldSelector(fieldPath: path)))
  }
}

extension Volume {
  static func scratch(_ name: String) -> Volume { Volume(emptyDir: EmptyDirVolumeSource(), name: name) }

  static func claim(_ name: String, _ claim: String) -> Volume {
    Volume(name: name, persistentVolumeClaim: PersistentVolumeClaimVolumeSource(claimName: claim))
  }

  static func configMap(_ name: String, _ configMap: String) -> Volume {
    Volume(configMap: ConfigMapVolumeSource(name: configMap), name: name)
  }
}

extension ContainerPort {
  static func tcp(_ port: Int, _ name: String) -> ContainerPort {
    ContainerPort(containerPort: port, name: name, protocol: "TCP")
  }
}

extension ServicePort {
  /// A Service port to a container port of the same name.
  static func tcp(_ port: Int, _ name: String) -> ServicePort {
    ServicePort(name: name, port: port, protocol: "TCP", targetPort: .string(name))
  }
}
