"""OpenVINO Model Server, which serves ONNX files over TensorFlow Serving's API: file and flags."""

from __future__ import annotations

import json

from deployworkbook.deployment_files.bundle import Bundle
from deployworkbook.deployment_files.container import CONFIG
from deployworkbook.serving.launcher.backends import GRPC_PORT, REST_PORT

IMAGE = "openvino/model_server:2025.4"
BINARY = "/ovms/bin/ovms"
METRICS_PATH = "/metrics"


def server_files(bundle: Bundle) -> dict[str, str]:
    """Write the file that the server's flags name, by its name.

    It has no labels of versions, which this server doesn't know.
    """
    models = [
        {
            "config": {
                "name": model.name,
                "base_path": str(model.served.base_path),
                "model_version_policy": {"specific": {"versions": list(model.served.versions)}},
                # One request per CPU at a time; the others wait.
                "plugin_config": {
                    "NUM_STREAMS": str(bundle.cpus),
                    "INFERENCE_NUM_THREADS": str(bundle.cpus),
                },
            }
        }
        for model in bundle.models
    ]
    given = {"model_config_list": models, "monitoring": {"metrics": {"enable": True}}}
    return {"models.json": json.dumps(given, indent=2) + "\n"}


def flags(bundle: Bundle) -> list[str]:
    """List the server's flags in the image."""
    given = {
        "config_path": f"{CONFIG}/models.json",
        "port": GRPC_PORT,
        "rest_port": REST_PORT,
        # The image's files don't change.
        "file_system_poll_wait_seconds": 0,
    }
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]
