"""All files but the models, by their paths; equal models give equal files."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

from deployworkbook.deployment_files import container, monitoring
from deployworkbook.deployment_files.bundle import MODELS, Bundle
from deployworkbook.serving.api.server_files import METRICS_PATH
from deployworkbook.serving.launcher.backends import BINARY, GRPC_PORT, REST_PORT
from deployworkbook.workspace.templates import render

SERVICE = "model-server"
NAMESPACE = "deployworkbook"
# How long requests still arrive after a pod was told to end. TensorFlow Serving ends at once.
DRAIN_S = 10
# The template of each file that is filled in, by the file's path.
_TEMPLATES = {
    "README.md": "README.md",
    "Dockerfile": "Dockerfile",
    "compose.yaml": "compose.yaml",
    "kubernetes.yaml": "kubernetes.yaml",
    "prometheus/prometheus.yaml": "prometheus.yaml",
    "prometheus/alerts.yaml": "alerts.yaml",
    "grafana/provisioning/datasources/prometheus.yaml": "datasources.yaml",
    "grafana/provisioning/dashboards/dashboards.yaml": "dashboards.yaml",
}


def texts(bundle: Bundle) -> dict[str, str]:
    """Write each file's text, by its path with ``/``."""
    server_files = container.server_files(bundle)
    content = hashlib.sha256("".join(server_files.values()).encode()).hexdigest()
    values = {
        "bundle": bundle,
        "container": container,
        "monitoring": monitoring,
        "to_json": partial(json.dumps, ensure_ascii=False),
        "binary": BINARY,
        "models": MODELS,
        "service": SERVICE,
        "namespace": NAMESPACE,
        "drain_s": DRAIN_S,
        "grpc_port": GRPC_PORT,
        "rest_port": REST_PORT,
        "metrics_path": METRICS_PATH,
        "server_files": server_files,
        "config_name": f"{SERVICE}-{content[:10]}",
    }
    folder = Path(__file__).parent / "templates"
    files = {path: render(folder / f"{name}.j2", **values) for path, name in _TEMPLATES.items()}
    # The build sees the models and the server's files, nothing else.
    files[".dockerignore"] = "*\n!models/\n!config/\n"
    files["grafana/dashboards/serving.json"] = json.dumps(monitoring.dashboard(), indent=2) + "\n"
    return files | {f"config/{name}": text for name, text in server_files.items()}
