"""Adversarial images against several forms of a model, and their transfer between forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from deployworkbook.formulas.adversarial import fgsm, pgd
from deployworkbook.formulas.shares import Share
from deployworkbook.privacy.learning import in_turns
from deployworkbook.privacy.networks import (
    Floats,
    Predict,
    Weights,
    accuracy_of,
    answers_of,
    flat,
)
from deployworkbook.training.data import Split
from deployworkbook.validation import check_array, check_choice, check_integer, value_error

Attack = Literal["fgsm", "pgd"]
ATTACKS: tuple[Attack, ...] = ("fgsm", "pgd")

PGD_STEPS = 20


@dataclass(frozen=True, eq=False)
class Robustness:
    """Accuracies of several forms on images that were changed to deceive each of them.

    Args:
        attack: ``"fgsm"`` or ``"pgd"``.
        radii: Largest changes of a pixel, shape ``[radii]``.
        accuracies: For each form, one per radius.
        pictures: For each form, the first images changed by the largest radius,
            shape ``[shown, 28, 28]``.
    """

    attack: Attack
    radii: NDArray[np.float64]
    accuracies: dict[str, tuple[Share, ...]]
    pictures: dict[str, Floats]


@dataclass(frozen=True, eq=False)
class Transfer:
    """How often images made against one form deceive another.

    Args:
        sources: Names of the forms that images were made against.
        targets: Names of the forms that were shown them.
        radius: Largest change of a pixel.
        deceived: For each source and each target: of the images that the target classifies
            correctly when they are unchanged, how many it no longer does.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    radius: float
    deceived: tuple[tuple[Share, ...], ...]

    @property
    def rates(self) -> NDArray[np.float64]:
        """Shares deceived, shape ``[sources, targets]``."""
        return np.array([[each.value for each in row] for row in self.deceived])


def attack_images(
    network: Sequence[Floats],
    split: Split,
    *,
    radius: float,
    attack: Attack = "pgd",
) -> Split:
    """Return images changed to deceive a network, with their true labels.

    Args:
        network: Weights as from Keras's ``get_weights``.
        split: The images.
        radius: Largest change of a pixel, from 0 to 1; 8 / 255 is hardly visible.
        attack: ``"fgsm"``, one step, or ``"pgd"``, 20 of them.

    Raises:
        ValueError: There is no such attack, or the radius is negative.
    """
    check_choice("attack", attack, ATTACKS)
    if radius == 0:
        return split
    weights = [np.asarray(each, np.float32) for each in network]
    rows = flat(split.images)
    with threadpool_limits(1):
        if attack == "fgsm":
            moved = fgsm(weights, rows, split.labels, radius=radius)
        else:
            moved = pgd(weights, rows, split.labels, radius=radius, steps=PGD_STEPS)
    images = moved.astype(np.float32).reshape(split.images.shape)
    return Split(images, split.labels)


def attack_forms(
    forms: Mapping[str, Weights],
    split: Split,
    *,
    radii: Sequence[float] = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2),
    attack: Attack = "pgd",
    shown: int = 8,
) -> Robustness:
    """Deceive each form by images made against itself.

    Args:
        forms: Networks by name, as from ``make_forms``.
        split: Images with labels; 1,000 of them tell differences of 3 points apart.
        radii: Largest changes of a pixel, each from 0 to 1.
        attack: ``"fgsm"`` or ``"pgd"``.
        shown: Number of pictures to keep.

    Raises:
        ValueError: There is no form, or a radius is out of range.
    """
    sizes = check_array("radii", radii, ndim=1, low=0)
    count = check_integer("shown", shown, 1)
    if not forms:
        raise value_error("forms", received="none", expected="at least one network")
    largest = int(sizes.argmax())

    def measured(form: Weights) -> tuple[tuple[Share, ...], Floats]:
        changed = [attack_images(form, split, radius=float(size), attack=attack) for size in sizes]
        return tuple(accuracy_of(form, each) for each in changed), changed[largest].images[:count]

    found = dict(zip(forms, in_turns(measured, list(forms.values())), strict=True))
    accuracies = {name: each for name, (each, _) in found.items()}
    pictures = {name: each for name, (_, each) in found.items()}
    return Robustness(attack, sizes, accuracies, pictures)


def measure_transfer(
    forms: Mapping[str, Weights],
    split: Split,
    *,
    radius: float = 0.1,
    attack: Attack = "pgd",
    targets: Mapping[str, Predict | Weights] | None = None,
) -> Transfer:
    """Show images made against each form to all others.

    Args:
        forms: Networks by name: the attacker's.
        split: Images with labels.
        radius: Largest change of a pixel, from 0 to 1.
        attack: ``"fgsm"`` or ``"pgd"``.
        targets: Models by name that are shown the images: networks, or functions from images to
            probabilities such as a runtime's or a client's; by default the forms.

    Raises:
        ValueError: There is no form, or the radius is out of range.
    """
    if not forms:
        raise value_error("forms", received="none", expected="at least one network")
    shown: Mapping[str, Predict | Weights] = forms if targets is None else targets
    right = {name: _is_right(model, split) for name, model in shown.items()}
    rows = []
    for form in forms.values():
        changed = attack_images(form, split, radius=radius, attack=attack)
        rows.append(
            tuple(
                Share(int((right[name] & ~_is_right(model, changed)).sum()), int(right[name].sum()))
                for name, model in shown.items()
            )
        )
    return Transfer(tuple(forms), tuple(shown), radius, tuple(rows))


def _is_right(network: Predict | Weights, split: Split) -> NDArray[np.bool_]:
    said = answers_of(network, split.images)
    return np.asarray(said.argmax(axis=1) == split.labels)
