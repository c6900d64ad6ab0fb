"""The files that a model server's flags name, written as protobuf text; no TensorFlow.

``embedded.config`` reads what is written here, and so does TensorFlow Serving.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from google.protobuf import text_encoding

from deployworkbook.validation import check_integer, message

METRICS_PATH = "/monitoring/prometheus/metrics"
BATCHING_NUMBERS = (
    "max_batch_size",
    "batch_timeout_micros",
    "max_enqueued_batches",
    "num_batch_threads",
)
BATCHING_SIZES = "allowed_batch_sizes"


@dataclass(frozen=True)
class ServedModel:
    """One model of a model config file.

    Args:
        name: What clients call it.
        base_path: The folder of its versions, absolute where the server runs.
        versions: The versions to load; by default the newest alone.
        labels: Names of versions, such as ``{"stable": 1}``; only of those that are loaded.
    """

    name: str
    base_path: PurePath
    versions: Sequence[int] = ()
    labels: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError(message("name", received="''", expected="a model's name"))
        if not self.base_path.is_absolute():
            raise ValueError(
                message("base_path", received=str(self.base_path), expected="an absolute path")
            )


def models_text(models: Iterable[ServedModel]) -> str:
    """Write the file of ``--model_config_file``.

    Args:
        models: At least one, each name once.

    Raises:
        ValueError: There is none, or two have one name.

    >>> from pathlib import PurePosixPath
    >>> print(models_text([ServedModel("mnist", PurePosixPath("/models/mnist"), [1, 2])]))
    model_config_list {
      config {
        name: "mnist"
        base_path: "/models/mnist"
        model_platform: "tensorflow"
        model_version_policy { specific { versions: 1 versions: 2 } }
      }
    }
    <BLANKLINE>
    """
    given = list(models)
    names = [model.name for model in given]
    if not given or len(set(names)) < len(names):
        raise ValueError(
            message("models", received=f"{names}", expected="at least one, each name once")
        )
    lines = ["model_config_list {"]
    for model in given:
        lines += [
            "  config {",
            f"    name: {_quoted(model.name)}",
            f"    base_path: {_quoted(str(model.base_path))}",
            '    model_platform: "tensorflow"',
        ]
        if model.versions:
            wanted = " ".join(f"versions: {number}" for number in model.versions)
            lines.append(f"    model_version_policy {{ specific {{ {wanted} }} }}")
        lines += [
            f"    version_labels {{ key: {_quoted(label)} value: {number} }}"
            for label, number in sorted(model.labels.items())
        ]
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def batching_text(parameters: Mapping[str, int | Sequence[int]]) -> str:
    """Write the file of ``--batching_parameters_file``.

    Args:
        parameters: Of ``BATCHING_NUMBERS``, whole numbers; ``allowed_batch_sizes``, a list of them.

    Raises:
        TypeError: A value is no whole number.
        ValueError: A name is unknown, or a number below 0.

    >>> print(batching_text({"max_batch_size": 32, "allowed_batch_sizes": [8, 32]}))
    max_batch_size { value: 32 }
    allowed_batch_sizes: 8
    allowed_batch_sizes: 32
    <BLANKLINE>
    """
    lines = []
    for name, value in parameters.items():
        if name == BATCHING_SIZES and isinstance(value, Sequence):
            lines += [f"{name}: {check_integer(name, size, 1)}" for size in value]
        elif name in BATCHING_NUMBERS:
            lines.append(f"{name} {{ value: {check_integer(name, value, 0)} }}")
        else:
            expected = "some of " + ", ".join([*BATCHING_NUMBERS, f"{BATCHING_SIZES} (a list)"])
            raise ValueError(
                message("batching_parameters", received=f"{name} = {value!r}", expected=expected)
            )
    return "\n".join([*lines, ""])


def monitoring_text(path: str = METRICS_PATH) -> str:
    """Write the file of ``--monitoring_config_file``: metrics for Prometheus on the REST port.

    >>> print(monitoring_text("/metrics"))
    prometheus_config { enable: true path: "/metrics" }
    <BLANKLINE>
    """
    return f"prometheus_config {{ enable: true path: {_quoted(path)} }}\n"


def _quoted(text: str) -> str:
    return f'"{text_encoding.CEscape(text.encode(), as_utf8=True)}"'
