"""Simulate widths that no kernel here runs: round weights to a grid, and compute in float32.

Such a model classifies as one with integers of that width would. Its size can be computed, but its
speed is unknown, so its measurement counts as modelled.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from deployworkbook.formulas.clipping import Clipping, fit_grid
from deployworkbook.formulas.quantization import fake_quantize
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.training.data import Dataset, Split
from deployworkbook.training.keras2 import copy_model, keras
from deployworkbook.validation import check_choice

NAME = "simulated"

# A channel's scale and its bias have four bytes each.
BYTES_OF_A_FLOAT = 4

BATCH_SIZE = 1024


def rounded(
    model: Any, *, bits: int, layers: Collection[str] | None = None, clipping: Clipping = "minmax"
) -> Any:
    """Return a copy of a model with its kernels rounded, each output channel to its own grid.

    Args:
        model: A Keras model; not changed.
        bits: Width of the integers, from 2 to 16; the grids are symmetric.
        layers: Names of the layers to round; by default all that have a kernel.
        clipping: How a grid's range is chosen; see ``clipping.fit_grid``.

    Returns:
        A Keras model that computes in float32 with the rounded kernels.

    Raises:
        ValueError: A setting is unknown or out of range, or a layer has no kernel.
    """
    copy = copy_model(model)
    found = {layer.name: layer for layer in with_kernels(copy)}
    for name in found if layers is None else layers:
        kernel = found[check_choice("layer", name, found)].kernel
        values = kernel.numpy()
        grid = fit_grid(values, bits=bits, scheme="symmetric", clipping=clipping, axis=-1)
        kernel.assign(fake_quantize(values, grid))
    return copy


def with_kernels(model: Any) -> list[Any]:
    """Return a model's layers that have kernels, in order.

    Args:
        model: A Keras model.
    """
    return [layer for layer in model.layers if hasattr(layer, "kernel")]


def correct_of(model: Any, split: Split) -> int:
    """Count the images whose most probable class is their label.

    Args:
        model: A Keras model.
        split: Images and labels.
    """
    # Called directly: ``predict`` would first trace a graph, which takes longer than the images.
    starts = range(0, len(split), BATCH_SIZE)
    batches = (split.images[start : start + BATCH_SIZE] for start in starts)
    classes = [model(batch, training=False).numpy().argmax(axis=1) for batch in batches]
    return int((np.concatenate(classes) == split.labels).sum())


def modelled(model: Any, bits: int, dataset: Dataset, *, lesson: str = "") -> Measurement:
    """Return the measurement of a model at some width: accuracy simulated, size computed.

        bytes = b/8 · weights + 4 · channels + 4 · biases

    Args:
        model: The float32 Keras model; not changed.
        bits: b, from 2 to 16.
        dataset: Its test set is predicted.
        lesson: Name of the notebook, for the measurement.

    Returns:
        A measurement of the kind ``"modelled"``, without times.

    Raises:
        ValueError: A setting is unknown or out of range.
    """
    kernels = [layer.kernel for layer in with_kernels(model)]
    weights = sum(int(np.prod(kernel.shape)) for kernel in kernels)
    channels = sum(int(kernel.shape[-1]) for kernel in kernels)
    floats = channels + model.count_params() - weights
    return Measurement(
        variant=f"int{bits}",
        runtime=NAME,
        runtime_version=keras.__version__,
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        lesson=lesson,
        kind="modelled",
        size_bytes=-(-weights * bits // 8) + BYTES_OF_A_FLOAT * floats,
        correct=correct_of(rounded(model, bits=bits), dataset.test),
        examples=len(dataset.test),
        note=f"weights rounded to {bits} bits (minmax), computed with in float32",
    )
