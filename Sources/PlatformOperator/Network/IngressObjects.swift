import KubernetesModels
import RTXPlatformAPI

/// The Ingress in front of the trading server (deployment architecture: "10. Ingress").
struct IngressObjects {
  let platform: RTXPlatform

  var objects: [any KubernetesResource] { platform.hasIngress ? [ingress] : [] }

  private var spec: NetworkIngressSpec { platform.spec.network.ingress }
  private var backend: String { platform.objectName(.backend) }

  private var ingress: Ingress {
    let host = spec.host ?? ""
    return Ingress(
      metadata: platform.objectMetadata(
        .network, annotations: annotations.merging(spec.annotations ?? [:]) { _, users in users }),
      spec: IngressSpec(
        ingressClassName: spec.className,
        rules: [
          IngressRule(
            host: host,
            http: HTTPIngressRuleValue(paths: [
              HTTPIngressPath(
                backend: IngressBackend(
                  service: IngressServiceBackend(
                    name: backend, port: ServiceBackendPort(number: PlatformPort.service))),
                path: "/", pathType: "Prefix")
            ]))
        ],
        tls: [IngressTLS(hosts: [host], secretName: spec.tlsSecretName ?? "\(platform.name)-tls")]))
  }

  /// Limits for the controllers that know them; others ignore what they do not know. Where the architecture names an
  /// annotation twice, the later value stands: silent WebSockets live for an hour.
  private var annotations: [String: String] {
    var annotations = [
      "ssl-redirect": "true",
      "force-ssl-redirect": "true",
      "rate-limit": String(spec.requestsPerSecond),
      "limit-rps": String(spec.requestsPerSecond),
      "limit-connections": String(spec.connections),
      "proxy-body-size": spec.maxBodySize,
      "proxy-connect-timeout": String(spec.connectTimeoutSeconds),
      "proxy-send-timeout": String(spec.idleTimeoutSeconds),
      "proxy-read-timeout": String(spec.idleTimeoutSeconds),
      "websocket-services": backend,
    ].reduce(into: [String: String]()) { $0["nginx.ingress.kubernetes.io/\($1.key)"] = $1.value }
    if !spec.clusterIssuer.isEmpty { annotations["cert-manager.io/cluster-issuer"] = spec.clusterIssuer }
    return annotations
  }
}
