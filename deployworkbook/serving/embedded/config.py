"""Read the files that flags name, which are protobuf text."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from deployworkbook.serving.api.descriptions import Message, message_classes
from deployworkbook.serving.api.server_files import BATCHING_NUMBERS, BATCHING_SIZES, METRICS_PATH
from deployworkbook.serving.embedded.batching_parameters import Batching
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.local_paths import local_path
from deployworkbook.serving.embedded.protos import model_server_config_pb2
from deployworkbook.serving.embedded.versions import Policy

log = logging.getLogger(__name__)

# Messages missing from the package tensorflow-serving-api: name, number and type of each field.
_MESSAGES: dict[str, Message] = {
    "BatchingParameters": {
        **{
            name: (number, "google.protobuf.Int64Value")
            for number, name in enumerate(BATCHING_NUMBERS, 1)
        },
        "thread_pool_name": (5, "google.protobuf.StringValue"),
        BATCHING_SIZES: (6, "repeated int64"),
        "pad_variable_length_inputs": (7, "bool"),
        "enable_large_batch_splitting": (8, "google.protobuf.BoolValue"),
        "max_execution_batch_size": (9, "google.protobuf.Int64Value"),
    },
    "PrometheusConfig": {"enable": (1, "bool"), "path": (2, "string")},
    "MonitoringConfig": {"prometheus_config": (1, "tensorflow.serving.PrometheusConfig")},
    "SSLConfig": {
        "server_key": (1, "string"),
        "server_cert": (2, "string"),
        "custom_ca": (3, "string"),
        "client_verify": (4, "bool"),
    },
}


@dataclass(frozen=True)
class ModelConfig:
    """A model to serve.

    Args:
        name: The name that clients use.
        base_path: The folder with its versions, as an absolute path.
        policy: Which versions to load.
        labels: Version numbers by label.
    """

    name: str
    base_path: Path
    policy: Policy = field(default_factory=Policy)
    labels: dict[str, int] = field(default_factory=dict)


def read_models(path: Path) -> list[ModelConfig] | None:
    """Read a ``--model_config_file``.

    Returns:
        The models; ``None`` for a file without a list, which means no change. (A file may be
        empty while it is being written.)

    Raises:
        OSError: The file can't be read.
        ServingError: The file is invalid, or asks for something impossible.
    """
    given = _parsed(path, model_server_config_pb2.ModelServerConfig())
    return models_of(given) if given.WhichOneof("config") else None


def models_of(config: Any) -> list[ModelConfig]:
    """List the models of a ``ModelServerConfig``.

    Raises:
        ServingError: A model is listed twice, a path is relative, or the kind is another.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise ServingError(Code.UNIMPLEMENTED, "custom_model_config is not supported")
    models: dict[str, ModelConfig] = {}
    for entry in config.model_config_list.config:
        if entry.name in models:
            raise invalid(f"Illegal to list model {entry.name} multiple times in config list")
        if not entry.model_platform and not entry.model_type:
            raise invalid(
                "Illegal setting neither ModelServerConfig::model_type nor "
                "ModelServerConfig::model_platform."
            )
        if (entry.model_platform or "tensorflow") != "tensorflow":
            raise invalid(f"Unsupported model_platform: {entry.model_platform}")
        models[entry.name] = checked(
            ModelConfig(
                entry.name,
                _base_path(entry),
                _policy(entry.model_version_policy),
                dict(entry.version_labels),
            )
        )
    return list(models.values())


def checked(model: ModelConfig) -> ModelConfig:
    """Return the model, if it has a name and an absolute path.

    Raises:
        ServingError: The name is missing, or the path is relative.
    """
    if not model.name:
        raise invalid("ModelConfig has no name specified.")
    if not model.base_path.is_absolute():
        raise _relative(model.name, model.base_path)
    return model


def read_batching(path: Path) -> Batching:
    """Read a ``--batching_parameters_file``.

    Raises:
        OSError: The file can't be read.
        ServingError: The file is invalid, or asks for something this server doesn't do.
        ValueError: A number is out of range.
    """
    given = _parsed(path, _new("BatchingParameters"))
    if given.pad_variable_length_inputs:
        raise ServingError(
            Code.UNIMPLEMENTED,
            f"{path}: this server doesn't support pad_variable_length_inputs. Remove it and send "
            "arrays of equal length, or use TensorFlow Serving.",
        )
    splitting = given.enable_large_batch_splitting.value
    if given.HasField("max_execution_batch_size") and not splitting:
        log.warning(
            "%s: max_execution_batch_size does nothing without enable_large_batch_splitting", path
        )
    named = {
        name: getattr(given, name).value
        for name in (*BATCHING_NUMBERS, "max_execution_batch_size", "thread_pool_name")
        if given.HasField(name)
    }
    if named.get("max_enqueued_batches") == 0:
        named["max_enqueued_batches"] = 1  # as TensorFlow Serving does
    return Batching(
        **named,
        allowed_batch_sizes=tuple(given.allowed_batch_sizes),
        enable_large_batch_splitting=splitting,
    )


def read_metrics_path(path: Path) -> str | None:
    """Read a ``--monitoring_config_file``: the path of the metrics, or ``None`` without metrics.

    Raises:
        OSError: The file can't be read.
        ServingError: The file is invalid.
    """
    given = _parsed(path, _new("MonitoringConfig")).prometheus_config
    return (given.path or METRICS_PATH) if given.enable else None


def read_ssl(path: Path) -> Any:
    """Read a ``--ssl_config_file``: keys and certificates as text.

    Raises:
        OSError: The file can't be read.
        ServingError: The file is invalid, or has no key or certificate.
    """
    given = _parsed(path, _new("SSLConfig"))
    if not given.server_key or not given.server_cert:
        raise invalid(f"{path}: expected server_key and server_cert.")
    if given.client_verify and not given.custom_ca:
        raise invalid(
            f"{path}: client_verify: expected custom_ca, which signs the clients' certificates."
        )
    return given


def _base_path(entry: Any) -> Path:
    if not entry.base_path:
        raise _relative(entry.name, "")
    try:
        return local_path(entry.base_path)
    except ValueError as error:
        raise ServingError(Code.UNIMPLEMENTED, f"Model {entry.name}: {error}") from error


def _relative(name: str, path: object) -> ServingError:
    return invalid(f"Expected model {name} to have an absolute path or URI; got base_path()={path}")


def _policy(given: Any) -> Policy:
    kind = given.WhichOneof("policy_choice")
    if kind == "all":
        return Policy("all")
    if kind == "specific":
        if not given.specific.versions:
            raise invalid("model_version_policy: specific has no versions.")
        return Policy("specific", numbers=tuple(given.specific.versions))
    return Policy("latest", count=max(1, given.latest.num_versions))


def _parsed(path: Path, message: Any) -> Any:
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        kind = message.DESCRIPTOR.full_name
        raise invalid(f"Error parsing text-format {kind}: {error} (in {path})") from error


def _new(name: str) -> Any:
    return _CLASSES[name]()


_CLASSES = message_classes({"tensorflow.serving": _MESSAGES})
