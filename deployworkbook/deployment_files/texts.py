"""All files but the models, by their paths; equal models give equal files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from deployworkbook.deployment_files import alerts, container, dashboard, outside
from deployworkbook.deployment_files.bundle import MODELS, Bundle
from deployworkbook.deployment_files.servers import server_of
from deployworkbook.monitoring.alertmanager import alertmanager_text
from deployworkbook.monitoring.panels import MODEL_PANELS
from deployworkbook.monitoring.rule_files import operator_text
from deployworkbook.serving.launcher.backends import GRPC_PORT, REST_PORT
from deployworkbook.serving.probing.checks import in_words
from deployworkbook.workspace.templates import render

SERVICE = "model-server"
NAMESPACE = "deployworkbook"
PROBE = "model-probe"
# How long requests still arrive after a pod was told to end. The servers end at once.
DRAIN_S = 10
ALERTMANAGER = "alertmanager/alertmanager.yaml"
OPERATOR_RULES = "prometheusrule.yaml"
# The template of each file that is filled in, by the file's path.
_TEMPLATES = {
    "README.md": "README.md",
    "Dockerfile": "Dockerfile",
    "compose.yaml": "compose.yaml",
    "kubernetes.yaml": "kubernetes.yaml",
    "servicemonitor.yaml": "servicemonitor.yaml",
    "prometheus/prometheus.yaml": "prometheus.yaml",
    "grafana/provisioning/datasources/prometheus.yaml": "datasources.yaml",
    "grafana/provisioning/dashboards/dashboards.yaml": "dashboards.yaml",
}


def _in_a_cell(text: str) -> str:
    """Write a text so that it stays in one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def _hash(contents: Iterable[str]) -> str:
    """Hash texts for a name that changes with them."""
    return hashlib.sha256("".join(contents).encode()).hexdigest()[:10]


def _probe_values(bundle: Bundle) -> dict[str, object]:
    """Return what the templates of the tests from outside name."""
    code = outside.checks_code()
    return {
        "probe": PROBE,
        "code": code,
        "code_name": f"{PROBE}-code-{_hash(code.values())}",
        "golden": bundle.golden,
        "golden_name": f"{PROBE}-golden-{_hash(each.to_json() for each in bundle.golden)}",
        "in_words": in_words,
    }


def texts(bundle: Bundle) -> dict[str, str]:
    """Write each file's text, by its path with ``/``."""
    server = server_of(bundle)
    server_files = server.files(bundle)
    values = {
        "bundle": bundle,
        "container": container,
        "server": server,
        "objectives": dashboard,
        "to_json": partial(json.dumps, ensure_ascii=False),
        "models": MODELS,
        "service": SERVICE,
        "namespace": NAMESPACE,
        "drain_s": DRAIN_S,
        "grpc_port": GRPC_PORT,
        "rest_port": REST_PORT,
        "metrics_path": server.metrics_path,
        "server_files": server_files,
        "config_name": f"{SERVICE}-{_hash(server_files.values())}",
        "in_a_cell": _in_a_cell,
        **_probe_values(bundle),
    }
    folder = Path(__file__).parent / "templates"
    templates = _TEMPLATES | ({"kserve.yaml": "kserve.yaml"} if bundle.kserve else {})
    templates |= outside.TEMPLATES if bundle.golden else {}
    files = {path: render(folder / f"{name}.j2", **values) for path, name in templates.items()}
    files |= outside.plain_files(bundle.golden) if bundle.golden else {}
    # The build sees the models and the server's files, nothing else.
    files[".dockerignore"] = "*\n!models/\n!config/\n"
    model = dashboard.written(MODEL_PANELS)
    for name, described in (
        ("serving", dashboard.dashboard(server.watch.panels)),
        ("model", dashboard.dashboard(model, uid="model", title="Model, by version")),
    ):
        files[f"grafana/dashboards/{name}.json"] = json.dumps(described, indent=2) + "\n"
    files |= alerts.files(server.watch)
    files[OPERATOR_RULES] = operator_text(
        alerts.groups(server.watch), name=SERVICE, namespace=NAMESPACE
    )
    files[ALERTMANAGER] = alertmanager_text()
    return files | {f"config/{name}": text for name, text in server_files.items()}
