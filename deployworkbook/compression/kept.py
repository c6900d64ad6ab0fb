"""Cache the results of techniques, so that a lesson that runs again doesn't train again."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deployworkbook.compression.distill import fingerprint
from deployworkbook.compression.training_set import Examples
from deployworkbook.training.data import Dataset
from deployworkbook.training.saved import read_model, save_model
from deployworkbook.workspace.cache import build_once, key_of
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

COMPRESSION = Path(__file__).parent
PACKAGES = ("tensorflow", "tf_keras", "tensorflow-model-optimization")


@dataclass(frozen=True)
class Kept:
    """A model that a technique made.

    Args:
        model: The Keras model.
        seconds: Time it took to make, on the machine that made it.
        is_new: Whether it was made just now rather than read from the cache.
    """

    model: Any
    seconds: float
    is_new: bool


def make_once(
    technique: Callable[..., Any],
    model: Any,
    dataset: Dataset,
    *,
    folder: Path | None = None,
    notice: Notice = notify,
    **options: Any,
) -> Kept:
    """Return a technique's result for a model: from the cache, or made now and cached.

    The cache key covers the model's weights, the data, the options, the versions, and the code of
    ``compression`` and ``formulas``.

    Args:
        technique: Maps a Keras model, examples or a dataset, and options to a Keras model.
        model: The model to start with.
        dataset: Its training set is learned from.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.
        options: Options of the technique: dataclasses, and values that JSON can represent.

    Returns:
        The model, and the time it took to make.
    """

    def build(target: Path) -> None:
        source: Any = dataset
        if "examples" in inspect.signature(technique).parameters:
            source = Examples(dataset.train.images, dataset.train.labels)
        start = time.perf_counter()
        made = technique(model, source, **options)
        seconds = time.perf_counter() - start
        save_model(made, target / "model.keras")
        (target / "made.json").write_text(json.dumps({"seconds": seconds}))

    def load(source: Path) -> tuple[Any, float]:
        record = json.loads((source / "made.json").read_text())
        return read_model(source / "model.keras"), record["seconds"]

    place = folder or current_workspace().models
    name = name_of(technique, model, dataset, options)
    (result, seconds), is_new = build_once(place / name, build=build, load=load, notice=notice)
    return Kept(result, seconds, is_new)


def name_of(
    technique: Callable[..., Any], model: Any, dataset: Dataset, options: Mapping[str, Any]
) -> str:
    """Return the name of a result's folder, with a hash of all that the result depends on.

    Args:
        technique: The technique.
        model: The model to start with.
        dataset: The data set.
        options: Options of the technique: dataclasses, and values that JSON can represent.
    """
    settings = {
        "technique": technique.__qualname__,
        "options": {
            name: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
            for name, value in options.items()
        },
        "model": fingerprint(model),
        "data": dataset.fingerprint,
        "versions": [version(package) for package in PACKAGES],
        "code": [
            path.read_text()
            for folder in (COMPRESSION, COMPRESSION.parent / "formulas")
            for path in sorted(folder.glob("*.py"))
        ],
    }
    return f"{technique.__name__}-{dataset.name}-{key_of(settings)}"
