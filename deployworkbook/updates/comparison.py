"""Ways of updating a model side by side: what is learnt, what is forgotten, and bytes to send."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression.layers import dense_layers
from deployworkbook.formulas.corruption import rotated
from deployworkbook.formulas.shares import Share
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.training.data import Dataset, Split
from deployworkbook.updates.making import PatchSizes, measure_patch
from deployworkbook.updates.retraining import WAYS, Parameters, Way, retrain
from deployworkbook.updates.scores import Change, change, share_right
from deployworkbook.updates.weights import with_weights
from deployworkbook.validation import check_integer, value_error

Drift = Callable[[NDArray[np.float32]], NDArray[np.floating]]
Right = NDArray[np.bool_]

ROTATION: Drift = partial(rotated, degrees=30.0)
FLOAT32 = "float32"


@dataclass(frozen=True)
class FormUpdate:
    """An update of one form of the model.

    Args:
        name: The form's name.
        content: The new file.
        drifted: Share classified correctly of the drifted test images.
        clean: Share classified correctly of the test images as they were.
        learnt: What changed on the drifted images.
        forgotten: What changed on the clean ones.
        patch: Size of the patch from the old file, whose scales are kept.
        new_scales: Size of the patch if the integers got new scales; ``None`` for floats.
    """

    name: str
    content: bytes = field(repr=False)
    drifted: Share
    clean: Share
    learnt: Change
    forgotten: Change
    patch: PatchSizes
    new_scales: PatchSizes | None


@dataclass(frozen=True)
class UpdateResult:
    """One way of updating.

    Args:
        way: The way.
        forms: The updated forms by name.
        training_s: Processor time of the training, in s.
    """

    way: Way
    forms: Mapping[str, FormUpdate]
    training_s: float


@dataclass(frozen=True)
class UpdateComparison:
    """Ways of updating, compared on the same images.

    Args:
        labelled: Number of new labelled images that the model learnt from.
        drifted: Each old form's share classified correctly of the drifted test images.
        clean: Each old form's share classified correctly of the test images as they were.
        results: One per way.
    """

    labelled: int
    drifted: Mapping[str, Share]
    clean: Mapping[str, Share]
    results: tuple[UpdateResult, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per way and form in plain types, for a table; without an update first."""
        rows: list[dict[str, Any]] = [
            {"update": "none", "form": name, **_accuracies(self.drifted[name], self.clean[name])}
            for name in self.drifted
        ]
        for result in self.results:
            for name, form in result.forms.items():
                rows.append(
                    {
                        "update": result.way.name,
                        "form": name,
                        **_accuracies(form.drifted, form.clean),
                        "patch_bytes": form.patch.patch_bytes,
                        "full_compressed_bytes": form.patch.full_compressed_bytes,
                        "share": form.patch.share,
                        "coding": form.patch.coding,
                        "new_scales_bytes": form.new_scales and form.new_scales.patch_bytes,
                        "training_s": result.training_s,
                    }
                )
        return rows


def compare_updates(
    forms: Mapping[str, bytes],
    dataset: Dataset,
    *,
    drift: Drift = ROTATION,
    labelled: int = 1000,
    ways: Sequence[Way] = WAYS,
    examples: int | None = None,
    seed: int = 0,
) -> UpdateComparison:
    """Update a model for drifted images in several ways, and measure each.

    The new labelled images are drifted validation images, which the model hasn't learnt from.
    Accuracies are those of the LiteRT files, by LiteRT.

    Args:
        forms: Contents of the deployed LiteRT files by name; ``"float32"`` must be among them, and
            the others be made from it, in int8 or float32.
        dataset: What the model was trained on.
        drift: Function from images in 0 … 1, shape ``[n, 28, 28]``, to how they look now; by
            default it turns them by 30°.
        labelled: Number of new labelled images, at least 1.
        ways: The ways to compare.
        examples: Number of test images (default: all).
        seed: Seed of the trainings.

    Raises:
        ValueError: There is no float32 form, or a form has other layers.
    """
    if FLOAT32 not in forms:
        raise value_error(
            "forms",
            received=", ".join(forms) or "none",
            expected=f"{FLOAT32!r} among them, whose weights the others' were made from",
        )
    new = _drifted(dataset.validation.take(check_integer("labelled", labelled, 1)), drift)
    clean = dataset.test if examples is None else dataset.test.take(examples)
    drifted = _drifted(clean, drift)
    before = {name: (_right(each, drifted), _right(each, clean)) for name, each in forms.items()}
    parameters = parameters_of(forms[FLOAT32])
    results = []
    for way in ways:
        started = time.process_time()
        updated = retrain(parameters, way, new, dataset.train, seed=seed)
        seconds = time.process_time() - started
        made = {
            name: _updated(name, content, updated, before[name], (drifted, clean))
            for name, content in forms.items()
        }
        results.append(UpdateResult(way, made, seconds))
    return UpdateComparison(
        labelled=len(new),
        drifted={name: share_right(each) for name, (each, _) in before.items()},
        clean={name: share_right(each) for name, (_, each) in before.items()},
        results=tuple(results),
    )


def parameters_of(content: bytes) -> Parameters:
    """Read a LiteRT file's weights and biases as real numbers.

    Args:
        content: Content of a file of dense layers.

    Returns:
        W_1, b_1, … W_L, b_L, as Keras's ``get_weights`` has them.
    """
    found: Parameters = []
    for layer in dense_layers(content):
        found += [layer.kernel, np.asarray(layer.bias, np.float64)]
    return found


def _updated(
    name: str,
    old: bytes,
    parameters: Parameters,
    before: tuple[Right, Right],
    images: tuple[Split, Split],
) -> FormUpdate:
    new, refitted = with_weights(old, parameters), with_weights(old, parameters, scales="new")
    drifted, clean = (_right(new, split) for split in images)
    return FormUpdate(
        name=name,
        content=new,
        drifted=share_right(drifted),
        clean=share_right(clean),
        learnt=change(before[0], drifted),
        forgotten=change(before[1], clean),
        patch=measure_patch(old, new),
        new_scales=None if refitted == new else measure_patch(old, refitted),
    )


def _drifted(split: Split, drift: Drift) -> Split:
    images = np.clip(drift(split.images), 0.0, 1.0).astype(np.float32)
    return Split(images, split.labels)


def _right(content: bytes, split: Split) -> Right:
    answers = LiteRTPredictor(content)(split.images).argmax(axis=1)
    return np.asarray(answers == split.labels)


def _accuracies(drifted: Share, clean: Share) -> dict[str, Any]:
    return {
        "drifted": drifted.value,
        "drifted_interval": drifted.interval,
        "clean": clean.value,
        "clean_interval": clean.interval,
    }
