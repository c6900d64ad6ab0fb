"""Kubernetes' manifests: pods without rights, more of them under load, none lost to an update."""

from __future__ import annotations

import hashlib
from typing import Any

from deployworkbook.deployment_files.bundle import Bundle
from deployworkbook.deployment_files.container import (
    CONFIG,
    SERVICE,
    USER_ID,
    flags,
    ready_path,
    server_files,
)
from deployworkbook.serving.api.server_files import METRICS_PATH
from deployworkbook.serving.launcher.backends import GRPC_PORT, REST_PORT

NAMESPACE = "deployworkbook"
# How long requests still arrive after a pod was told to end. TensorFlow Serving ends at once.
DRAIN_S = 10
_SELECTOR = {"app.kubernetes.io/name": SERVICE}
_LABELS = {**_SELECTOR, "app.kubernetes.io/part-of": NAMESPACE}


def manifests(bundle: Bundle) -> list[dict[str, Any]]:
    """Describe all objects, in the order in which they have to be made."""
    config = _config(bundle)
    rest = {"name": "rest", "port": REST_PORT, "targetPort": "rest", "appProtocol": "http"}
    grpc = {"name": "grpc", "port": GRPC_PORT, "targetPort": "grpc"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": NAMESPACE,
                # Pods with more rights than these are refused.
                "labels": {**_LABELS, "pod-security.kubernetes.io/enforce": "restricted"},
            },
        },
        config,
        _object("apps/v1", "Deployment", spec=_deployment(bundle, config["metadata"]["name"])),
        _object(
            "v1",
            "Service",
            spec={
                "selector": _SELECTOR,
                "ports": [{**grpc, "appProtocol": "kubernetes.io/h2c"}, rest],
            },
        ),
        _object("autoscaling/v2", "HorizontalPodAutoscaler", spec=_autoscaler()),
        _object(
            "policy/v1",
            "PodDisruptionBudget",
            spec={"minAvailable": 1, "selector": {"matchLabels": _SELECTOR}},
        ),
        _object("networking.k8s.io/v1", "NetworkPolicy", spec=_network()),
    ]


def _object(api: str, kind: str, **rest: Any) -> dict[str, Any]:
    metadata = {"name": SERVICE, "namespace": NAMESPACE, "labels": _LABELS}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


def _config(bundle: Bundle) -> dict[str, Any]:
    """Hold the server's files under a name that follows from them.

    So changed files make new pods, and a pod of an older image finds those that it was made with.
    """
    files = server_files(bundle)
    content = hashlib.sha256("".join(files.values()).encode()).hexdigest()
    made = _object("v1", "ConfigMap", immutable=True, data=files)
    made["metadata"] = {**made["metadata"], "name": f"{SERVICE}-{content[:10]}"}
    return made


def _deployment(bundle: Bundle, config_name: str) -> dict[str, Any]:
    annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(REST_PORT),
        "prometheus.io/path": METRICS_PATH,
    }
    # Without replicas: their number is the autoscaler's.
    return {
        "selector": {"matchLabels": _SELECTOR},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        },
        "template": {
            "metadata": {"labels": _LABELS, "annotations": annotations},
            "spec": _pod(bundle, config_name),
        },
    }


def _pod(bundle: Bundle, config_name: str) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # As process 1 of its own the server would not hear that it is told to end.
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": DRAIN_S + 20,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": _SELECTOR},
            }
        ],
        "containers": [_container(bundle)],
        "volumes": [
            {"name": "config", "configMap": {"name": config_name}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
        ],
    }


def _container(bundle: Bundle) -> dict[str, Any]:
    serves = {"path": ready_path(bundle), "port": "rest"}
    return {
        "name": SERVICE,
        "image": bundle.image,
        "args": flags(bundle),
        "ports": [
            {"name": "grpc", "containerPort": GRPC_PORT},
            {"name": "rest", "containerPort": REST_PORT},
        ],
        # Two minutes for the models to load.
        "startupProbe": {"httpGet": serves, "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {"httpGet": serves, "periodSeconds": 5, "timeoutSeconds": 2},
        # Only whether it listens: a busy server is no reason to kill it.
        "livenessProbe": {"tcpSocket": {"port": "grpc"}, "periodSeconds": 10, "timeoutSeconds": 5},
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_S}}},
        "resources": {
            "requests": {"cpu": f"{500 * bundle.cpus}m", "memory": f"{bundle.memory_mib // 2}Mi"},
            "limits": {"cpu": str(bundle.cpus), "memory": f"{bundle.memory_mib}Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108, a path in the container
        ],
    }


def _autoscaler() -> dict[str, Any]:
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": SERVICE},
        "minReplicas": 2,
        "maxReplicas": 10,
        "metrics": [
            {
                "type": "Resource",
                # Of what is requested. Above it queues grow faster than pods start.
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 70},
                },
            }
        ],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }


def _network() -> dict[str, Any]:
    """Let the namespace's pods ask, those of ``monitoring`` read metrics, and a server ask none."""
    grpc, rest = ({"protocol": "TCP", "port": name} for name in ("grpc", "rest"))
    watchers = {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    return {
        "podSelector": {"matchLabels": _SELECTOR},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [{"podSelector": {}}], "ports": [grpc, rest]},
            {"from": [{"namespaceSelector": watchers}], "ports": [rest]},
        ],
        "egress": [],
    }
