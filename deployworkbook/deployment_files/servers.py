"""The servers that an image may hold, each with what the files say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deployworkbook.deployment_files import container, monitoring, openvino, openvino_monitoring
from deployworkbook.deployment_files.bundle import Bundle
from deployworkbook.deployment_files.dashboard import Watch
from deployworkbook.serving.api.server_files import METRICS_PATH
from deployworkbook.serving.launcher.backends import BINARY, IMAGE


@dataclass(frozen=True)
class Server:
    """A kind of server.

    Args:
        name: Its name, in texts.
        image: The image that the models' image is built from.
        binary: Its program in the image.
        metrics_path: The path of its metrics, on the port for REST.
        files: Writes its own files, by their names.
        flags: Lists its flags in the image.
        watch: What to ask Prometheus about it.
    """

    name: str
    image: str
    binary: str
    metrics_path: str
    files: Callable[[Bundle], dict[str, str]]
    flags: Callable[[Bundle], list[str]]
    watch: Watch


TENSORFLOW_SERVING = Server(
    "TensorFlow Serving",
    IMAGE,
    BINARY,
    METRICS_PATH,
    container.server_files,
    container.flags,
    monitoring.WATCH,
)
OPENVINO_MODEL_SERVER = Server(
    "OpenVINO Model Server",
    openvino.IMAGE,
    openvino.BINARY,
    openvino.METRICS_PATH,
    openvino.server_files,
    openvino.flags,
    openvino_monitoring.WATCH,
)


def server_of(bundle: Bundle) -> Server:
    """Return the server that takes a bundle's models."""
    return OPENVINO_MODEL_SERVER if bundle.is_onnx else TENSORFLOW_SERVING
