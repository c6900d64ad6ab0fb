"""Compare students trained alone and distilled, in pairs that differ only in the teaching."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression import pairs, stepping, training_set
from deployworkbook.compression.pairs import Lessons, train_pairs
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.formulas import descent, distillation, losses, schedules
from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.training import models
from deployworkbook.training.data import Split
from deployworkbook.training.keras2 import keras, tf
from deployworkbook.validation import check_integer, value_error
from deployworkbook.workspace.cache import build_once, key_of
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

CODE = (descent, distillation, losses, models, pairs, schedules, stepping, training_set)
NAMES = ("alone", "distilled")


@dataclass(frozen=True, eq=False)
class StudentComparison:
    """Pairs of students on a test set, one pair per seed.

    Args:
        hidden_units: Width of the students.
        images: Number of training images per student.
        alone: Keras models trained with the labels alone.
        distilled: Keras models trained with the teacher too, in the same order.
        accuracy_alone: Accuracies of ``alone`` on the test set, shape ``[seeds]``.
        accuracy_distilled: Accuracies of ``distilled``, shape ``[seeds]``.
    """

    hidden_units: int
    images: int
    alone: tuple[Any, ...]
    distilled: tuple[Any, ...]
    accuracy_alone: NDArray[np.float64]
    accuracy_distilled: NDArray[np.float64]

    @property
    def differences(self) -> NDArray[np.float64]:
        """Gain in accuracy from the teacher, per pair."""
        return self.accuracy_distilled - self.accuracy_alone

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean difference."""
        return mean_interval(self.differences)

    @property
    def verdict(self) -> str:
        """Conclusion from the interval, in words."""
        low, high = self.interval
        if low > 0:
            return "distilled is better"
        return "distilled is worse" if high < 0 else "no difference is shown"


def compare_students(
    taught: Examples,
    test: Split,
    *,
    settings: Settings,
    hidden_units: int,
    seeds: Sequence[int],
    images: int | None = None,
    folder: Path | None = None,
    notice: Notice = notify,
) -> StudentComparison:
    """Train pairs of students, or read them from the cache, and test them.

    Both students of a pair have the same initial weights, images, batches and steps. Each seed
    draws its own images, so that the interval includes the chance of that draw. All pairs of a
    comparison are cached together.

    Args:
        taught: The training set with a teacher's logits; its images aren't moved.
        test: The test set.
        settings: Training settings of both, without dropout; temperature and hard weight affect
            only the distilled one.
        hidden_units: Width of the students.
        seeds: One seed per pair, at least two.
        images: Number of training images per pair; by default all.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.

    Raises:
        ValueError: There is no teacher, fewer than two seeds, too few images, or a setting that
            students don't have.
    """
    if len(seeds) < 2:
        raise value_error("seeds", received=str(len(seeds)), expected="two or more")
    if settings.dropout:
        raise value_error("settings.dropout", received="True", expected="False")
    total = len(taught.images)
    count = total if images is None else check_integer("images", images, 1, total)
    lessons = Lessons.of(taught)

    def build(target: Path) -> None:
        made = train_pairs(
            lessons, settings=settings, hidden_units=hidden_units, seeds=seeds, images=count
        )
        for seed, pair in zip(seeds, made, strict=True):
            for name, weights in zip(NAMES, pair, strict=True):
                for place, array in enumerate(weights):
                    np.save(target / f"{seed}-{name}-{place}.npy", array)

    def load(source: Path) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        def students(name: str) -> tuple[Any, ...]:
            return tuple(_student(hidden_units, source, f"{seed}-{name}") for seed in seeds)

        return students("alone"), students("distilled")

    key = key_of(
        {
            "settings": asdict(replace(settings, seed=0)),
            "hidden_units": hidden_units,
            "images": count,
            "seeds": list(seeds),
            "examples": _digest(taught),
            "versions": [np.__version__, tf.__version__, keras.__version__],
            "code": [inspect.getsource(part) for part in CODE],
        }
    )
    place = (folder or current_workspace().models) / f"students-{hidden_units}-{key}"
    (alone, distilled), _ = build_once(place, build=build, load=load, notice=notice)
    accuracies = (
        np.array([_accuracy(each, test) for each in students]) for students in (alone, distilled)
    )
    return StudentComparison(hidden_units, count, alone, distilled, *accuracies)


def _student(hidden_units: int, source: Path, name: str) -> Any:
    student = models.mlp(hidden_units=hidden_units)
    files = (source / f"{name}-{place}.npy" for place in range(len(student.weights)))
    student.set_weights([np.load(file, allow_pickle=False) for file in files])
    return student


def _digest(examples: Examples) -> str:
    digest = hashlib.sha256(repr(examples.augmentations).encode())
    for part in (examples.images, examples.labels, examples.teacher_logits):
        if part is not None:
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()[:16]


def _accuracy(student: Any, split: Split) -> float:
    # Not predict(), which would build a graph for each of many small students.
    return float((student(split.images).numpy().argmax(axis=1) == split.labels).mean())
