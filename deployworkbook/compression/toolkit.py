"""Techniques of tensorflow-model-optimization, for comparison with this package's.

Its pruning scores by magnitude, separately in each layer. Its collaborative recipes (PQAT, CQAT)
preserve zeros or shared values in quantization-aware training.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from deployworkbook.training.data import Dataset
from deployworkbook.training.fit import STEPS_AT_ONCE
from deployworkbook.training.flatbuffer import to_flatbuffer
from deployworkbook.training.keras2 import copy_model, keras, set_seed, tf
from deployworkbook.training.loops import crossentropy, prepare_fit
from deployworkbook.validation import check_choice, check_integer, check_number, value_error


@contextlib.contextmanager
def _missing(module: str) -> Iterator[None]:
    """Let a module count as not installed, unless it is imported already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # Python's own way to say so
    try:
        yield
    finally:
        del sys.modules[module]


# One of its modules looks into Keras 3 for what only Keras 2 has, after a second of importing it.
with warnings.catch_warnings(), _missing("keras"):
    # It compares versions with a class that setuptools has deprecated.
    warnings.filterwarnings("ignore", "distutils Version classes", DeprecationWarning)
    import tensorflow_model_optimization as tfmot

    # The variant that preserves zeros; the toolkit's guide imports it from here, too.
    from tensorflow_model_optimization.python.core.clustering.keras.experimental.cluster import (
        cluster_weights,
    )

__all__ = [
    "Training",
    "as_it_is",
    "cluster",
    "prune_low_magnitude",
    "quantize_and_preserve",
    "tfmot",
]

Schedule = Literal["polynomial", "constant"]
Pattern = Literal["single", "2:4", "block"]
Preserve = Literal["zeros", "clusters"]

# TensorFlow would translate the toolkit's functions into a graph's control flow, though none has
# an ``if`` or a loop that depends on a tensor. That takes longer than all the rest.
as_it_is = tf.autograph.experimental.do_not_convert

# Size of a block in the pattern "block", as in the toolkit's guide.
BLOCK = (4, 4)


@dataclass(frozen=True)
class Training:
    """Training settings of the toolkit's models, for Keras's ``fit``.

    Args:
        epochs: Passes over the training set.
        batch_size: Images per step.
        learning_rate: Adam's η.
        seed: Seed of the shuffling and the dropout.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range.
    """

    epochs: int = 5
    batch_size: int = 128
    learning_rate: float = 0.001
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer("epochs", self.epochs, 1)
        check_integer("batch_size", self.batch_size, 1)
        check_number("learning_rate", self.learning_rate, 0, 10, open_low=True)
        check_integer("seed", self.seed, 0, 2**32 - 1)


def prune_low_magnitude(
    model: Any,
    dataset: Dataset,
    *,
    sparsity: float = 0.5,
    schedule: Schedule = "polynomial",
    pattern: Pattern = "single",
    training: Training = Training(),
) -> Any:
    """Prune by magnitude, the same fraction of each layer.

    Args:
        model: A Keras model; not changed.
        dataset: Its training set is learned from.
        sparsity: Fraction of the weights to prune, in (0, 1); always 0.5 for the pattern ``"2:4"``.
        schedule: ``"polynomial"`` rises to the sparsity over half of the steps, ``"constant"``
            starts with it.
        pattern: What is pruned together: single weights, two of every four neighbours, or blocks.
        training: Training settings.

    Returns:
        A new Keras model with zeros.

    Raises:
        ValueError: A setting is unknown or out of range.
    """
    share = check_number("sparsity", sparsity, 0, 1, open_low=True, open_high=True)
    check_choice("schedule", schedule, ["polynomial", "constant"])
    check_choice("pattern", pattern, ["single", "2:4", "block"])
    if pattern == "2:4" and share != 0.5:
        raise value_error(
            "sparsity", received=f"{share:g}", expected="0.5, which is what 2:4 means"
        )
    set_seed(training.seed)
    steps = training.epochs * -(-len(dataset.train) // training.batch_size)
    schedules = tfmot.sparsity.keras
    if schedule == "constant":
        plan = schedules.ConstantSparsity(share, begin_step=0, frequency=max(1, steps // 50))
    else:
        plan = schedules.PolynomialDecay(
            initial_sparsity=0.0,
            final_sparsity=share,
            begin_step=0,
            end_step=max(1, steps // 2),
            frequency=max(1, steps // 50),
        )
    form: dict[str, Any] = {}
    if pattern == "2:4":
        form = {"sparsity_m_by_n": (2, 4)}
    elif pattern == "block":
        form = {"block_size": BLOCK, "block_pooling_type": "AVG"}
    wrap = as_it_is(schedules.prune_low_magnitude)
    wrapped = wrap(copy_model(model), pruning_schedule=plan, **form)
    _fit(wrapped, dataset, training, [schedules.UpdatePruningStep()])
    return copy_model(model, schedules.strip_pruning(wrapped).get_weights())


def cluster(
    model: Any,
    dataset: Dataset,
    *,
    values: int = 16,
    training: Training = Training(epochs=1),
) -> Any:
    """Let the weights of each layer share a few values.

    Args:
        model: A Keras model; not changed.
        dataset: Its training set is learned from.
        values: Number of values per layer, at least 2. One of them is 0, and zeros stay zeros.
        training: Training settings.

    Returns:
        A new Keras model with few different weights.
    """
    check_integer("values", values, 2)
    set_seed(training.seed)
    wrapped = as_it_is(cluster_weights)(
        copy_model(model),
        number_of_clusters=values,
        cluster_centroids_init=tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS,
        preserve_sparsity=True,
    )
    _fit(wrapped, dataset, training, [])
    stripped = tfmot.clustering.keras.strip_clustering(wrapped)
    return copy_model(model, stripped.get_weights())


def quantize_and_preserve(
    model: Any,
    dataset: Dataset,
    *,
    preserve: Preserve,
    training: Training = Training(epochs=1),
) -> bytes:
    """Train a pruned or clustered model for int8, preserving its zeros or shared values.

    Args:
        model: A Keras model that was pruned or clustered; not changed.
        dataset: Its training set is learned from.
        preserve: ``"zeros"`` is PQAT, ``"clusters"`` is CQAT.
        training: Training settings.

    Returns:
        A LiteRT file that computes in int8.
    """
    combine = tfmot.experimental.combine
    scheme = {
        "zeros": combine.Default8BitPrunePreserveQuantizeScheme,
        "clusters": combine.Default8BitClusterPreserveQuantizeScheme,
    }[check_choice("preserve", preserve, ["zeros", "clusters"])]()
    set_seed(training.seed)
    quantization = tfmot.quantization.keras
    annotated = quantization.quantize_annotate_model(copy_model(model))
    aware = as_it_is(quantization.quantize_apply)(annotated, scheme)
    _fit(aware, dataset, training, [])
    return to_flatbuffer(
        tfmot.clustering.keras.strip_clustering(aware) if preserve == "clusters" else aware,
        quantizers=True,
    )


def _fit(model: Any, dataset: Dataset, training: Training, callbacks: list[Any]) -> None:
    # The wrappers count their steps within the graph, so several may follow without Python.
    model.compile(
        keras.optimizers.Adam(training.learning_rate),
        crossentropy,
        steps_per_execution=min(STEPS_AT_ONCE, -(-len(dataset.train) // training.batch_size)),
    )
    prepare_fit(model, dataset.train)
    model.fit(
        dataset.train.images,
        dataset.train.labels,
        batch_size=training.batch_size,
        epochs=training.epochs,
        callbacks=callbacks,
        verbose=0,
    )
