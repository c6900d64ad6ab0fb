"""Smaller forms of a network, in NumPy: what compression does to leakage and to attacks.

They stand for the files of lessons 05 to 07, and are made in seconds from any network, so that a
comparison can have several of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.masks import global_masks
from deployworkbook.formulas.perceptron import forward
from deployworkbook.formulas.quantization import fake_quantize, make_grid
from deployworkbook.privacy.learning import NetworkRecipe, learn
from deployworkbook.privacy.networks import Floats, Weights, flat, logits_of
from deployworkbook.validation import check_array, check_integer, check_number


@dataclass(frozen=True)
class FormSettings:
    """How the smaller forms are made.

    Args:
        sparsity: Share of the weights that the pruned form lacks, from 0 to below 1.
        pruned_epochs: Passes in which the weights that are left are trained further.
        student_units: Width of the distilled form.
        student_epochs: Passes in which it learns.

    Raises:
        ValueError: A number is out of range.
    """

    sparsity: float = 0.9
    pruned_epochs: int = 5
    student_units: int = 32
    student_epochs: int = 20

    def __post_init__(self) -> None:
        check_number("sparsity", self.sparsity, 0, 1, open_high=True)
        check_integer("pruned_epochs", self.pruned_epochs, 1)
        check_integer("student_units", self.student_units, 1)
        check_integer("student_epochs", self.student_epochs, 1)


def make_forms(
    weights: Sequence[Floats],
    images: Floats,
    labels: NDArray[np.int64],
    *,
    settings: FormSettings | None = None,
    seed: int = 0,
) -> dict[str, Weights]:
    """Make smaller forms of a network: rounded, pruned, and distilled.

    The pruned and the distilled form are trained on the images, which should be those that the
    network learned from.

    Args:
        weights: The network, as from Keras's ``get_weights``.
        images: float32 in 0 … 1, shape ``[n, 28, 28]``.
        labels: Their classes, shape ``[n]``.
        settings: How small they become.
        seed: Seed of their training.

    Returns:
        ``"float32"`` (the network itself), ``"int8"`` and ``"int4"`` (weights rounded to integers,
        one scale per column, read as floats again), ``"pruned"``, ``"distilled"``.

    Raises:
        ValueError: The shapes do not match.

        forms = make_forms(model.get_weights(), data.train.images, data.train.labels)
        print({name: str(accuracy_of(form, data.test)) for name, form in forms.items()})
    """
    chosen = settings or FormSettings()
    network = [check_array("weights", each).astype(np.float32) for each in weights]
    targets = one_hot(labels, network[-1].shape[0])
    base = NetworkRecipe(seed=seed)
    tuning = replace(base, epochs=chosen.pruned_epochs, learning_rate=0.02)
    masks = _masks(network, images, chosen.sparsity)
    teaching = replace(base, hidden_units=chosen.student_units, epochs=chosen.student_epochs)
    said = logits_of(network, images)
    return {
        "float32": network,
        "int8": rounded_form(network, 8),
        "int4": rounded_form(network, 4),
        "pruned": learn(images, targets, tuning, start=network, masks=masks),
        "distilled": learn(images, targets, teaching, teacher_logits=said),
    }


def rounded_form(weights: Sequence[Floats], bits: int) -> Weights:
    """Round kernels to integers with a scale per column; biases stay."""
    rounded = []
    for array in weights:
        if array.ndim == 2:
            reach = np.abs(array).max(axis=0)
            grid = make_grid(-reach, reach, bits=bits, scheme="symmetric")
            rounded.append(fake_quantize(array, grid).astype(np.float32))
        else:
            rounded.append(array.copy())
    return rounded


def _masks(weights: Weights, images: Floats, sparsity: float) -> list[NDArray[np.bool_]]:
    """Choose the weights to keep by size times the size of what goes in; biases are all kept.

    Without the images, weights of pixels that are always black would be kept by chance.
    Source: M. Sun et al., "A simple and effective pruning approach for large language models",
    ICLR 2024.
    """
    seen = forward(weights, flat(images), keep_float32=True)[:-1]
    scores = [
        np.abs(kernel) * np.sqrt((values**2).mean(axis=0))[:, None]
        for kernel, values in zip(weights[0::2], seen, strict=True)
    ]
    kernels = iter(global_masks(scores, sparsity))
    return [next(kernels) if each.ndim == 2 else np.ones(each.shape, bool) for each in weights]
