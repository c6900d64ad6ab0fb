"""Networks that are trained once: kept in the workspace as arrays, with what made them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from deployworkbook.formulas import (
    adversarial,
    backpropagation,
    descent,
    distillation,
    federated,
    losses,
    perceptron,
    private_gradient,
    schedules,
    trajectories,
)
from deployworkbook.privacy import forms, learning, networks, squares
from deployworkbook.workspace.cache import build_once, key_of
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

Arrays = dict[str, Any]

# What all networks are trained by. If one of these changes, they are trained again.
CODE = (
    *(adversarial, backpropagation, descent, distillation, federated, losses, perceptron),
    *(private_gradient, schedules, trajectories, forms, learning, networks, squares),
)


def arrays_once(
    name: str,
    settings: Mapping[str, object],
    make: Callable[[], tuple[Arrays, dict[str, Any]]],
    *,
    code: ModuleType,
    folder: Path | None = None,
    notice: Notice = notify,
) -> tuple[Arrays, dict[str, Any]]:
    """Return named arrays and a record of JSON: from the cache, or made now and cached.

    Args:
        name: Begins the name of the result's folder.
        settings: All that the result depends on, except code.
        make: Function that makes the arrays and the record.
        code: The module that makes them.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.
    """

    def build(target: Path) -> None:
        arrays, record = make()
        np.savez(target / "arrays.npz", allow_pickle=False, **arrays)
        (target / "record.json").write_text(json.dumps(record, indent=1))

    def load(source: Path) -> tuple[Arrays, dict[str, Any]]:
        with np.load(source / "arrays.npz", allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        return arrays, json.loads((source / "record.json").read_text())

    sources = [inspect.getsource(part) for part in (*CODE, code)]
    key = key_of({**settings, "numpy": np.__version__, "code": sources})
    place = (folder or current_workspace().models) / f"{name}-{key}"
    return build_once(place, build=build, load=load, notice=notice)[0]


def named(prefix: str, weights: networks.Weights) -> Arrays:
    """Name a network's arrays by their places."""
    return {f"{prefix}-{place}": array for place, array in enumerate(weights)}


def network_of(arrays: Mapping[str, Any], prefix: str) -> networks.Weights:
    """Take a network out of named arrays again."""
    count = sum(name.startswith(f"{prefix}-") for name in arrays)
    return [arrays[f"{prefix}-{place}"] for place in range(count)]
