"""All files but the models, by their paths; equal models give equal files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from deployworkbook.deployment_files import container, kubernetes, monitoring
from deployworkbook.deployment_files.bundle import Bundle
from deployworkbook.workspace.templates import render


def texts(bundle: Bundle) -> dict[str, str]:
    """Write each file's text, by its path with ``/``."""
    files = {
        "Dockerfile": container.dockerfile(bundle),
        ".dockerignore": container.dockerignore(),
        "compose.yaml": _yaml([container.compose(bundle)]),
        "kubernetes.yaml": _yaml(kubernetes.manifests(bundle)),
        "prometheus/prometheus.yaml": _yaml([monitoring.prometheus()]),
        "prometheus/alerts.yaml": _yaml([monitoring.alerts()]),
        "grafana/provisioning/datasources/prometheus.yaml": _yaml([monitoring.datasources()]),
        "grafana/provisioning/dashboards/dashboards.yaml": _yaml(
            [monitoring.dashboard_providers()]
        ),
        "grafana/dashboards/serving.json": json.dumps(monitoring.dashboard(), indent=2) + "\n",
    }
    files |= {f"config/{name}": text for name, text in container.server_files(bundle).items()}
    return {"README.md": _readme(bundle), **files}


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes each list and mapping out where it is used, texts of several lines as such."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never refer back: a reader would have to look up."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _yaml(documents: Sequence[dict[str, Any]]) -> str:
    written: str = yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return written


def _readme(bundle: Bundle) -> str:
    return render(
        Path(__file__).parent / "templates" / "README.md.j2",
        bundle=bundle,
        container=container,
        kubernetes=kubernetes,
        monitoring=monitoring,
        first=bundle.models[0],
    )
