"""The image: TensorFlow Serving's own files and flags, the image's labels, and its health check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from deployworkbook.deployment_files.bundle import Bundle, digest
from deployworkbook.serving.api.model_config import config_text
from deployworkbook.serving.api.model_files import LITERT
from deployworkbook.serving.api.server_files import batching_text, monitoring_text
from deployworkbook.serving.launcher.backends import GRPC_PORT, REST_PORT

# The folder of the server's own files in the image.
CONFIG = "/etc/serving"
# No user of the image has this ID, so the server owns no files there.
USER_ID = 65532
LOCAL = "127.0.0.1"


def server_files(bundle: Bundle) -> dict[str, str]:
    """Return the text of each file that the server's flags refer to, by the file's name."""
    batching: dict[str, Any] = {
        "max_batch_size": 32,
        # 2 ms: a batch delays its first request far less than a person could notice.
        "batch_timeout_micros": 2000,
        "max_enqueued_batches": 100,
        "num_batch_threads": bundle.cpus,
    }
    return {
        # In ASCII, because the ConfigMap is YAML, where U+0085 and U+2028 in a label end a line.
        "models.config": config_text(
            {model.name: model.served for model in bundle.models}, as_utf8=False
        ),
        "batching.config": batching_text(batching),
        "monitoring.config": monitoring_text(),
    }


def flags(bundle: Bundle) -> list[str]:
    """List the server's flags in the image."""
    given = {
        "port": GRPC_PORT,
        "rest_api_port": REST_PORT,
        "model_config_file": f"{CONFIG}/models.config",
        # The server sets labels when it starts, when their versions haven't loaded yet.
        "allow_version_labels_for_unavailable_models": "true",
        **({"prefer_tflite_model": "true"} if LITERT in bundle.kinds else {}),
        "enable_batching": "true",
        "batching_parameters_file": f"{CONFIG}/batching.config",
        "monitoring_config_file": f"{CONFIG}/monitoring.config",
        # The default is a thread for each CPU of the machine, even if the container has only one.
        "tensorflow_intra_op_parallelism": bundle.cpus,
    }
    return [f"--{name}={value}" for name, value in given.items()]


def health_command(bundle: Bundle, *, port: int = REST_PORT) -> str:
    """Return a command that fails unless the first model is ready.

    It needs nothing but bash, because the image has no curl.
    """
    path = ready_path(bundle)
    request = f"GET {path} HTTP/1.1\\r\\nHost: {LOCAL}\\r\\nConnection: close\\r\\n\\r\\n"
    return (
        f"exec 3<>/dev/tcp/{LOCAL}/{port} && printf '{request}' >&3 && "
        "read -r status <&3 && [[ $status == *' 200 '* ]]"
    )


def ready_path(bundle: Bundle) -> str:
    """Return the path that answers 200 once a version of the first model has loaded, else 404."""
    return f"/v1/models/{bundle.models[0].name}/metadata"


def labels(bundle: Bundle, base: str) -> Iterator[tuple[str, str]]:
    """Yield the image's labels, which say where it and its models come from."""
    yield "org.opencontainers.image.title", bundle.repository
    yield "org.opencontainers.image.base.name", base
    yield "org.opencontainers.image.version", bundle.image.rpartition(":")[2]
    for model in bundle.models:
        for version in model.versions:
            prefix = f"deployworkbook.model.{model.name}.{version.number}"
            yield f"{prefix}.sha256", digest(version)
            known = version.provenance
            if known is not None:
                yield f"{prefix}.variant", known.variant
                yield f"{prefix}.published", known.published_at


def quoted(text: str) -> str:
    """Quote a text for a Dockerfile, where ``$`` in quotes begins a variable."""
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$")
