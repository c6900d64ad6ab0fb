"""TensorFlow Serving's model config, which says what to serve: as text and as a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from deployworkbook.serving.api.messages import ModelServerConfig
from deployworkbook.validation import value_error


@dataclass(frozen=True)
class ServedModel:
    """A model to serve, and which versions of it.

    Args:
        base_path: The folder with its versions, as an absolute path.
        labels: Version numbers by label, such as ``stable``.
        versions: Versions to load; by default the newest and the labelled ones.

    Raises:
        ValueError: The path isn't absolute, or a label points to a version that isn't loaded.
    """

    base_path: Path
    labels: Mapping[str, int] = field(default_factory=dict)
    versions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not Path(self.base_path).is_absolute():
            raise value_error(
                "base_path",
                received=str(self.base_path),
                expected="an absolute path",
                remedy="The server may run in another folder: give base_path.resolve().",
            )
        lost = {name for name, version in self.labels.items() if version not in self.versions}
        if self.versions and lost:
            raise value_error(
                "labels",
                received=f"{', '.join(sorted(lost))} of versions that are not loaded",
                expected=f"labels of {', '.join(map(str, self.versions))}",
            )


def config_of(models: Mapping[str, ServedModel]) -> Any:
    """Make a ``ModelServerConfig`` message.

    Args:
        models: The models to serve, by name; none to unload all.
    """
    config = ModelServerConfig()
    config.model_config_list.SetInParent()  # so that an empty list counts as a list
    for name, model in models.items():
        entry = config.model_config_list.config.add(
            name=name, base_path=str(model.base_path), model_platform="tensorflow"
        )
        for version in sorted(model.versions):
            entry.model_version_policy.specific.versions.append(version)
        for label, version in sorted(model.labels.items()):
            entry.version_labels[label] = version
    return config


def config_text(models: Mapping[str, ServedModel], *, as_utf8: bool = True) -> str:
    """Write the text of a ``--model_config_file``.

    Args:
        models: The models to serve, by name.
        as_utf8: Whether letters beyond ASCII are written as they are; if not, they are escaped, so
            that the text fits into files for which some characters end a line, such as YAML.

    >>> print(config_text({"digits": ServedModel(Path("/models/digits"), {"stable": 1}, (1, 2))}))
    model_config_list {
      config {
        name: "digits"
        base_path: "/models/digits"
        model_platform: "tensorflow"
        model_version_policy {
          specific {
            versions: 1
            versions: 2
          }
        }
        version_labels {
          key: "stable"
          value: 1
        }
      }
    }
    <BLANKLINE>
    """
    return str(text_format.MessageToString(config_of(models), as_utf8=as_utf8))
