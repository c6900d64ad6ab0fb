"""MLflow's model format, where mlflow is installed: a version out, a model in.

MLflow keeps a model as a folder with a file ``MLmodel``, which lists its "flavors". A version
becomes one with the flavor ``deployworkbook``, and with ``onnx`` or ``tensorflow`` where MLflow has
it, so that its own tools load it. In return, those flavors can be imported. The flavor
``python_function`` is never used to import, because it runs code from the folder.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from deployworkbook.serving.api.model_files import FILES, LITERT, ONNX, SAVEDMODEL, model_file
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.serving.repository.published import PublishedVersion, files_of
from deployworkbook.validation import value_error
from deployworkbook.workspace.files import atomic_folder, full_path

FLAVOR = "deployworkbook"
_DATA = "model"


def export_to_mlflow(version: PublishedVersion, target: Path) -> Path:
    """Write a version as a folder in MLflow's model format, by mlflow itself.

    Args:
        version: The version.
        target: The folder to write; an earlier one is replaced.

    Returns:
        The folder.

    Raises:
        ModuleNotFoundError: mlflow isn't installed.
        ValueError: The version holds no model.
    """
    models = _mlflow_models()
    flavors = flavors_of(version)
    record = version.provenance
    description = {"model": version.path.parent.name, "version": str(version.number)}
    if record is not None:
        description |= {"variant": record.variant, "note": record.note}
    goal = full_path(Path(target))
    with atomic_folder(goal) as folder:
        for path in files_of(version.path):
            copy = folder / _DATA / path.relative_to(version.path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        made = models.Model(metadata=description)
        for name, settings in flavors.items():
            made.add_flavor(name, **settings)
        made.save(str(folder / "MLmodel"))
    return goal


def import_from_mlflow(
    source: Path, repository: ModelRepository, **record: Any
) -> PublishedVersion:
    """Publish a model that MLflow has saved as the next version.

    Args:
        source: The folder with the file ``MLmodel``.
        repository: The model's versions.
        record: Further arguments of ``ModelRepository.publish``, such as ``variant`` or ``key``.

    Raises:
        ModuleNotFoundError: mlflow isn't installed.
        FileNotFoundError: The folder has no such file.
        ValueError: None of its flavors can be served without running its code.
    """
    models = _mlflow_models()
    folder = full_path(Path(source))
    if not (folder / "MLmodel").is_file():
        raise FileNotFoundError(
            f"{folder} has no file MLmodel. Name the folder that mlflow's save_model has written."
        )
    found = models.Model.load(str(folder))
    kind, place = model_in(found.flavors)
    path = folder / place
    if not path.resolve().is_relative_to(folder):
        raise value_error(str(folder), received=repr(place), expected="files within the folder")
    record.setdefault("note", f"imported from MLflow's format, flavors {', '.join(found.flavors)}")
    if path.is_dir():
        return repository.publish(path, **record)
    with tempfile.TemporaryDirectory() as temporary:
        shutil.copyfile(path, Path(temporary) / FILES[kind][0])
        return repository.publish(Path(temporary), **record)


def flavors_of(version: PublishedVersion) -> dict[str, dict[str, str]]:
    """Return what ``MLmodel`` says of a version, by flavor.

    Args:
        version: The version.

    Raises:
        ValueError: It holds no model.
    """
    kind = model_file(version.path)
    if kind is None:
        raise value_error(
            f"version {version.number}", received="no model", expected=" or ".join(FILES)
        )
    name = _DATA if kind == SAVEDMODEL else f"{_DATA}/{FILES[kind][0]}"
    flavors = {FLAVOR: {"kind": kind, "data": name}}
    if kind == ONNX:
        flavors["onnx"] = {"data": name}
    if kind == SAVEDMODEL:
        flavors["tensorflow"] = {
            "saved_model_dir": name,
            "meta_graph_tags": "serve",
            "signature_def_key": "serving_default",
        }
    return flavors


def model_in(flavors: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return the kind of model that an ``MLmodel`` names, and where it is.

    Args:
        flavors: The file's flavors: those of ``flavors_of``, and what mlflow's own ``onnx`` and
            ``tensorflow`` write.

    Raises:
        ValueError: There is none that can be served without running code from the folder.
    """
    own = flavors.get(FLAVOR, {})
    onnx, tensorflow = flavors.get("onnx", {}), flavors.get("tensorflow", {})
    is_saved = tensorflow.get("model_type") == "tf2-module"
    for kind, place in (
        (own.get("kind"), own.get("data")),
        (ONNX, onnx.get("data")),
        (SAVEDMODEL, tensorflow.get("saved_model_dir")),
        (SAVEDMODEL, f"{tensorflow.get('data')}/tf2model" if is_saved else None),
    ):
        if kind in (SAVEDMODEL, LITERT, ONNX) and isinstance(place, str) and _is_within(place):
            return str(kind), place
    raise value_error(
        "flavors",
        received=", ".join(flavors) or "none",
        expected=f"{FLAVOR}, onnx, or tensorflow with a SavedModel",
        remedy="Other flavors are loaded by running code. Export the model as ONNX first.",
    )


def _is_within(place: str) -> bool:
    path = PurePosixPath(place)
    return not path.is_absolute() and ".." not in path.parts


def _mlflow_models() -> ModuleType:
    try:
        # By name, because the workbook doesn't depend on it: it brings dozens of packages.
        return importlib.import_module("mlflow.models")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "mlflow":
            raise
        raise ModuleNotFoundError(
            "mlflow is not installed, and its format is written and read by it alone. Install it: "
            "pip install mlflow-skinny (or mlflow, with all its tools)."
        ) from error
