import Foundation
import Testing

extension EndToEnd {
  /// The official Python client, from PyPI, against the sandbox.
  @Suite(.serialized, .enabled(if: TestCluster.hasKubectl, "needs kubectl"))
  struct PythonClientTests {
    /// A virtual environment in the cache folder with the package in it, made once.
    static func python() async throws -> String {
      let folder = TestCluster.cache + "/python-kubernetes"
      let made = await Shell.sh(
        """
        test -e \(folder)/made || { python3 -m venv \(folder) && \(folder)/bin/pip install -q kubernetes && touch \(folder)/made; }
        """, limit: .seconds(180))
      try #require(made.succeeded, "\(made.everything)")
      return folder + "/bin/python"
    }

    @Test(.timeLimit(.minutes(5))) func listsWatchesAndPatches() async throws {
      let cluster = try await SharedClusters.shared.simulated()
      let script = """
        from kubernetes import client, config, watch
        config.load_kube_config()
        core, apps, custom = client.CoreV1Api(), client.AppsV1Api(), client.CustomObjectsApi()
        print("namespaces", "kube-system" in [n.metadata.name for n in core.list_namespace().items])
        core.create_namespace({"metadata": {"name": "python"}})
        container = {"name": "c", "image": "rtx-platform/redis:7"}
        apps.create_namespaced_deployment("python", {
            "metadata": {"name": "d"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "d"}},
                     "template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [container]}}}})
        for event in watch.Watch().stream(apps.list_namespaced_deployment, "python", timeout_seconds=60):
            if event["object"].status and event["object"].status.ready_replicas == 2:
                print("watched", event["object"].metadata.name)
                break
        patched = apps.patch_namespaced_deployment("d", "python", {"spec": {"replicas": 1}})
        print("patched", patched.spec.replicas)
        apps.patch_namespaced_deployment_scale("d", "python", {"spec": {"replicas": 3}})
        print("scaled", apps.read_namespaced_deployment_scale("d", "python").spec.replicas)
        page = core.list_namespace(limit=1)
        print("paged", len(page.items), bool(page.metadata._continue))
        print("custom", "items" in custom.list_cluster_custom_object("rtx.trading", "v1alpha1", "rtxplatforms"))
        try:
            core.read_namespaced_pod("nobody", "python")
        except client.ApiException as error:
            print("missing", error.status, error.reason)
        core.delete_namespace("python")
        """
      let result = await Shell.run(
        try await Self.python(), ["-"], input: script, environment: cluster.environment, limit: .seconds(90))
      #expect(
        result.output.split(separator: "\n") == [
          "namespaces True", "watched d", "patched 1", "scaled 3", "paged 1 True", "custom True",
          "missing 404 Not Found",
        ], "\(result.everything)")
    }
  }
}
