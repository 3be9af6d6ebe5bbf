"""The peer: the same six objects and status for each widget, on kopf and the official Python client.

It watches widgets only; ours watches what it owns too. usage: widget_operator.py LATENCY_FILE
"""

import asyncio
import base64
import signal
import sys
import threading
import time

import kopf
import kubernetes

CHANGED = "bench.example.com/changed"
LABEL = "bench.example.com/widget"
seen, lock = {}, threading.Lock()
# Written as they come: kopf takes its time to stop.
latencies = open(sys.argv[1], "w", buffering=1)


def note(meta):
    text = meta.get("annotations", {}).get(CHANGED)
    if text is None:
        return
    now = time.time_ns()
    with lock:
        if seen.get(meta["name"]) == text:
            return
        seen[meta["name"]] = text
        latencies.write(f"{(now - int(text)) // 1000}\n")


@kopf.on.startup()
def configure(settings, **_):
    kubernetes.config.load_kube_config()
    settings.execution.max_workers = 10
    settings.posting.enabled = False


def apply(call, body, name, namespace):
    call(name, namespace, body, field_manager="widget-operator", force=True,
         _content_type="application/apply-patch+yaml")


@kopf.on.create("widgets.bench.example.com")
@kopf.on.resume("widgets.bench.example.com")
@kopf.on.update("widgets.bench.example.com")
def reconcile(body, meta, spec, name, namespace, patch, status, **_):
    note(meta)
    core = kubernetes.client.CoreV1Api()
    owner = {"apiVersion": body["apiVersion"], "kind": body["kind"], "name": name, "uid": meta["uid"],
             "controller": True, "blockOwnerDeletion": True}

    def metadata(part):
        return {"name": f"{name}-{part}", "namespace": namespace, "labels": {LABEL: name},
                "ownerReferences": [owner]}

    value = spec.get("value", "")
    for part in ("a", "b"):
        apply(core.patch_namespaced_config_map, {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(part),
            "data": {"value": value, "part": part}}, f"{name}-{part}", namespace)
        apply(core.patch_namespaced_secret, {
            "apiVersion": "v1", "kind": "Secret", "metadata": metadata(part),
            "data": {"value": base64.b64encode(value.encode()).decode()}}, f"{name}-{part}", namespace)
    apply(core.patch_namespaced_service, {
        "apiVersion": "v1", "kind": "Service", "metadata": metadata("svc"),
        "spec": {"clusterIP": "None", "ports": [{"port": 80}], "selector": {"app": name}}}, f"{name}-svc", namespace)
    apply(core.patch_namespaced_service_account, {
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("sa")}, f"{name}-sa", namespace)
    patch.status["observedGeneration"] = meta["generation"]
    patch.status["objects"] = 6


async def main():
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await kopf.operator(clusterwide=True, standalone=True, stop_flag=stop)


asyncio.run(main())
