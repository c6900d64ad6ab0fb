"""The image, its server's flags, and compose: the server beside Prometheus and Grafana."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from deployworkbook.deployment_files.bundle import MODELS, Bundle, digest
from deployworkbook.serving.api.model_config import config_text
from deployworkbook.serving.api.server_files import batching_text, monitoring_text
from deployworkbook.serving.launcher.backends import BINARY, GRPC_PORT, REST_PORT

# Where the image has the server's own files.
CONFIG = "/etc/serving"
# Of nobody in particular: no name in the image has it.
USER_ID = 65532
PROMETHEUS_IMAGE = "prom/prometheus:v3.13.0"
GRAFANA_IMAGE = "grafana/grafana:12.4.1"
SERVICE = "model-server"
LOCAL = "127.0.0.1"


def server_files(bundle: Bundle) -> dict[str, str]:
    """Write the files that the server's flags name, by their names."""
    batching: dict[str, Any] = {
        "max_batch_size": 32,
        # A batch waits for no more than a tenth of the time that a person notices.
        "batch_timeout_micros": 2000,
        "max_enqueued_batches": 100,
        "num_batch_threads": bundle.cpus,
    }
    return {
        "models.config": config_text({model.name: model.served for model in bundle.models}),
        "batching.config": batching_text(batching),
        "monitoring.config": monitoring_text(),
    }


def flags(bundle: Bundle) -> list[str]:
    """List the server's flags in the image."""
    given = {
        "port": GRPC_PORT,
        "rest_api_port": REST_PORT,
        "model_config_file": f"{CONFIG}/models.config",
        # Labels are set as the server starts, before their versions have loaded.
        "allow_version_labels_for_unavailable_models": "true",
        "enable_batching": "true",
        "batching_parameters_file": f"{CONFIG}/batching.config",
        "monitoring_config_file": f"{CONFIG}/monitoring.config",
        # Otherwise as many threads as the machine has CPUs, however few of them it may use.
        "tensorflow_intra_op_parallelism": bundle.cpus,
    }
    return [f"--{name}={value}" for name, value in given.items()]


def dockerfile(bundle: Bundle) -> str:
    """Write the image's build: the server, the models, no rights."""
    labels = [f"LABEL {_quoted(name)}={_quoted(value)}" for name, value in _labels(bundle)]
    lines = [
        f"FROM {bundle.base}",
        "",
        "# Where the models come from.",
        *labels,
        "",
        f"COPY models/ {MODELS}/",
        f"COPY config/ {CONFIG}/",
        "",
        f"USER {USER_ID}:{USER_ID}",
        f"EXPOSE {GRPC_PORT} {REST_PORT}",
        f"ENTRYPOINT {json.dumps([BINARY])}",
        f"CMD {json.dumps(flags(bundle))}",
        "",
    ]
    return "\n".join(lines)


def dockerignore() -> str:
    """Write what the build sees: the models and the server's files, nothing else."""
    return "*\n!models/\n!config/\n"


def compose(bundle: Bundle) -> dict[str, Any]:
    """Describe three services for one machine; each port is this machine's alone."""
    return {
        "name": "deployworkbook",
        "services": {
            SERVICE: {
                "build": {"context": "."},
                "image": bundle.image,
                # As process 1 the server would not hear that it is told to end.
                "init": True,
                "ports": [f"{LOCAL}:{port}:{port}" for port in (GRPC_PORT, REST_PORT)],
                "healthcheck": _healthcheck(["CMD", "bash", "-c", health_command(bundle)]),
                **_confined(bundle.cpus, bundle.memory_mib),
            },
            "prometheus": {
                "image": PROMETHEUS_IMAGE,
                "command": [
                    "--config.file=/etc/prometheus/prometheus.yaml",
                    "--storage.tsdb.path=/prometheus",
                    "--storage.tsdb.retention.time=15d",
                ],
                "ports": [f"{LOCAL}:9090:9090"],
                "volumes": [
                    "./prometheus:/etc/prometheus:ro",
                    "prometheus-data:/prometheus",
                ],
                "depends_on": {SERVICE: {"condition": "service_healthy"}},
                "healthcheck": _healthcheck(_wget("http://127.0.0.1:9090/-/healthy")),
                **_confined(1, 512),
            },
            "grafana": {
                "image": GRAFANA_IMAGE,
                "environment": {
                    # No password stands in a file, and none is a default.
                    "GF_SECURITY_ADMIN_PASSWORD": "${GRAFANA_PASSWORD:?choose a password}",
                    "GF_LOG_MODE": "console",
                    "GF_ANALYTICS_REPORTING_ENABLED": "false",
                    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
                    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
                },
                "ports": [f"{LOCAL}:3000:3000"],
                "volumes": [
                    "./grafana/provisioning:/etc/grafana/provisioning:ro",
                    "./grafana/dashboards:/var/lib/dashboards:ro",
                    "grafana-data:/var/lib/grafana",
                ],
                "depends_on": {"prometheus": {"condition": "service_healthy"}},
                "healthcheck": _healthcheck(_wget("http://127.0.0.1:3000/api/health")),
                **_confined(1, 512),
            },
        },
        "volumes": {"prometheus-data": {}, "grafana-data": {}},
    }


def health_command(bundle: Bundle, *, port: int = REST_PORT) -> str:
    """Ask whether the first model serves, by bash alone: the image has no curl."""
    path = ready_path(bundle)
    request = f"GET {path} HTTP/1.1\\r\\nHost: {LOCAL}\\r\\nConnection: close\\r\\n\\r\\n"
    return (
        f"exec 3<>/dev/tcp/{LOCAL}/{port} && printf '{request}' >&3 && "
        "read -r status <&3 && [[ $status == *' 200 '* ]]"
    )


def ready_path(bundle: Bundle) -> str:
    """Name the path that answers 200 while a version of the first model serves, else 404."""
    return f"/v1/models/{bundle.models[0].name}/metadata"


def _labels(bundle: Bundle) -> Iterator[tuple[str, str]]:
    yield "org.opencontainers.image.title", bundle.repository
    yield "org.opencontainers.image.base.name", bundle.base
    yield "org.opencontainers.image.version", bundle.image.rpartition(":")[2]
    for model in bundle.models:
        for version in model.versions:
            prefix = f"deployworkbook.model.{model.name}.{version.number}"
            yield f"{prefix}.sha256", digest(version)
            known = version.provenance
            if known is not None:
                yield f"{prefix}.variant", known.variant
                yield f"{prefix}.published", known.published_at


def _quoted(text: str) -> str:
    """Quote for a Dockerfile, where ``$`` in quotes begins a variable."""
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$")


def _healthcheck(test: list[str]) -> dict[str, Any]:
    # Compose reads $$ as one dollar.
    return {
        "test": [word.replace("$", "$$") for word in test],
        "interval": "10s",
        "timeout": "5s",
        "retries": 3,
        "start_period": "60s",
    }


def _wget(address: str) -> list[str]:
    return ["CMD", "wget", "--quiet", "--spider", address]


def _confined(cpus: int, memory_mib: int) -> dict[str, Any]:
    return {
        "restart": "unless-stopped",
        "read_only": True,
        "tmpfs": ["/tmp"],  # noqa: S108, a path in the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "deploy": {"resources": {"limits": {"cpus": str(cpus), "memory": f"{memory_mib}M"}}},
    }
