"""What to deploy: models at their published versions, and the image that holds them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deployworkbook.serving.api.model_config import ServedModel
from deployworkbook.serving.api.model_files import ONNX, SAVEDMODEL, model_file
from deployworkbook.serving.api.version_folders import versions_below
from deployworkbook.serving.probing.golden import Golden
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.serving.repository.published import PublishedVersion, hashes_of
from deployworkbook.validation import describe, value_error
from deployworkbook.workspace.files import full_path

# The image's folder of models, with one folder per model.
MODELS = Path("/models")
# A name that needs no escaping in paths, URLs and labels.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_IMAGE = re.compile(r"[a-z0-9]([a-z0-9._/:-]*[a-z0-9])?")


@dataclass(frozen=True)
class BundledModel:
    """A model and the versions to serve: the newest and the labelled ones.

    Args:
        name: The name that clients use.
        versions: At least one, ordered by number.
        labels: Version numbers by label.
    """

    name: str
    versions: tuple[PublishedVersion, ...]
    labels: Mapping[str, int]

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of its versions' files, as ``model_files`` names them."""
        kinds = {version.number: model_file(version.path) for version in self.versions}
        found = frozenset(kind or SAVEDMODEL for kind in kinds.values())
        if ONNX in found and len(found) > 1:
            listed = ", ".join(f"{number}: {kind}" for number, kind in kinds.items())
            raise value_error(
                self.name,
                received=f"versions of several kinds ({listed})",
                expected="ONNX files only, or none, because no one server takes both",
                remedy="Publish them as models of their own: deployworkbook publish VARIANT "
                "--runtime onnx.",
            )
        return found

    @property
    def served(self) -> ServedModel:
        """What the server in the image should serve."""
        numbers = tuple(version.number for version in self.versions)
        return ServedModel(MODELS / self.name, dict(self.labels), numbers)


@dataclass(frozen=True)
class Bundle:
    """The models of one image.

    Args:
        models: At least one, ordered by name.
        repository: The image's name, without a tag.
        cpus: CPUs per server.
        memory_mib: Memory per server, in MiB.
        kserve: Whether there should be a manifest for KServe, too.
        golden: Golden images of the models that are to be tested from outside.
    """

    models: tuple[BundledModel, ...]
    repository: str = "deployworkbook-models"
    cpus: int = 2
    memory_mib: int = 1024
    kserve: bool = False
    golden: tuple[Golden, ...] = ()

    def __post_init__(self) -> None:
        if not _IMAGE.fullmatch(self.repository) or ":" in self.repository.rpartition("/")[2]:
            raise value_error(
                "image",
                received=describe(self.repository),
                expected="an image's name without a tag, such as registry.example/models",
            )
        if self.is_onnx and len(self.kinds) > 1:
            names = [model.name for model in self.models if ONNX in model.kinds]
            raise value_error(
                "models",
                received=f"ONNX files ({', '.join(names)}) and others",
                expected="models for one server",
                remedy="Make a bundle of each: see by_server.",
            )

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of all models' files."""
        return frozenset().union(*(model.kinds for model in self.models))

    @property
    def is_onnx(self) -> bool:
        """Whether the models are ONNX files, for which another server is needed."""
        return ONNX in self.kinds

    @cached_property
    def image(self) -> str:
        """The image's name and tag; the tag is a hash of the models' files."""
        lines = [
            f"{model.name}/{version.number} {digest(version)}"
            for model in self.models
            for version in model.versions
        ]
        return f"{self.repository}:{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:12]}"


def find_models(repository: Path, names: Sequence[str] = ()) -> tuple[BundledModel, ...]:
    """Find published models.

    Args:
        repository: A folder with one folder per model, or the folder of one model's versions.
        names: The models to deploy (default: all).

    Raises:
        FileNotFoundError: The folder is missing or holds no model.
        ValueError: There is no model of that name, a name can't be part of a URL, or a version's
            files have changed since they were published.
    """
    folder = full_path(Path(repository))
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder. {_REMEDY}")
    bases = [folder] if versions_below(folder) else sorted(p for p in folder.iterdir())
    found = {base.name: base for base in bases if base.is_dir() and versions_below(base)}
    if not found:
        raise FileNotFoundError(f"{folder} holds no published model. {_REMEDY}")
    lost = sorted(set(names) - set(found))
    if lost:
        raise value_error("model", received=", ".join(lost), expected=f"some of {', '.join(found)}")
    return tuple(_bundled(found[name]) for name in sorted(names or found))


def by_server(models: Sequence[BundledModel]) -> list[tuple[BundledModel, ...]]:
    """Divide models into those for TensorFlow Serving and those for OpenVINO Model Server.

    Returns:
        One or two groups, none of them empty.
    """
    onnx = tuple(model for model in models if ONNX in model.kinds)
    others = tuple(model for model in models if ONNX not in model.kinds)
    return [group for group in (others, onnx) if group]


def digest(version: PublishedVersion) -> str:
    """Return the SHA-256 of a version's files and their names."""
    lines = [f"{name} {sha256}" for name, sha256 in sorted(hashes_of(version.path).items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


_REMEDY = "Lesson 10 publishes models; name another folder of them with --repository."


def _bundled(base: Path) -> BundledModel:
    if not _NAME.fullmatch(base.name):
        expected = "letters, digits, '_', '.' and '-', as in a URL"
        raise value_error("model", received=describe(base.name), expected=expected)
    repository = ModelRepository(base)
    served = repository.served()
    versions = tuple(repository.version(number) for number in sorted(served.versions))
    for version in versions:
        damage = version.damage()
        if damage:
            raise value_error(
                f"{base.name}, version {version.number}",
                received=f"{damage[0]} and {len(damage) - 1} other files changed",
                expected="the files that were published",
                remedy="Publish the model again.",
            )
    return BundledModel(base.name, versions, dict(served.labels))
