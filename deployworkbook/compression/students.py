"""Compare students trained alone and distilled, in pairs that differ only in the teaching."""

from __future__ import annotations

import hashlib
import inspect
import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from deployworkbook.compression import augmentation, constraints, distill, retrain, training_set
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.training import models
from deployworkbook.training.data import Split
from deployworkbook.training.keras2 import keras, tf
from deployworkbook.training.saved import read_model, save_model
from deployworkbook.validation import check_integer, value_error
from deployworkbook.workspace.cache import build_once, key_of
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

CODE = (constraints, distill, models, retrain, training_set, augmentation)


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
    draws its own images, so that the interval includes the chance of that draw.

    Args:
        taught: The training set with a teacher's logits.
        test: The test set.
        settings: Training settings of both; temperature and hard weight affect only the distilled
            one.
        hidden_units: Width of the students.
        seeds: One seed per pair, at least two.
        images: Number of training images per pair; by default all.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.

    Raises:
        ValueError: There is no teacher, or there are fewer than two seeds, or too few images.
    """
    if taught.teacher_logits is None:
        raise value_error(
            "taught", received="labels alone", expected="examples with a teacher's logits"
        )
    if len(seeds) < 2:
        raise value_error("seeds", received=str(len(seeds)), expected="two or more")
    total = len(taught.images)
    count = total if images is None else check_integer("images", images, 1, total)
    steps = settings.epochs * -(-count // settings.batch_size)
    made: dict[str, list[Any]] = {"alone": [], "distilled": []}
    heard = {"alone": taught.without_teacher(), "distilled": taught}
    digests = {name: _digest(examples) for name, examples in heard.items()}
    with tqdm(total=2 * len(seeds) * steps, unit="step", mininterval=0.2) as bar:
        for seed, name in itertools.product(seeds, heard):
            lesson = _Lesson(heard[name], count, replace(settings, seed=seed), hidden_units)
            student, is_new = lesson.student(digests[name], folder, notice, bar)
            made[name].append(student)
            if not is_new:
                bar.update(steps)
    alone, distilled = made["alone"], made["distilled"]
    accuracies = (
        np.array([_accuracy(each, test) for each in students]) for students in (alone, distilled)
    )
    return StudentComparison(hidden_units, count, tuple(alone), tuple(distilled), *accuracies)


@dataclass(frozen=True, eq=False)
class _Lesson:
    """Everything that determines a student; the seed draws its images and its initial weights."""

    examples: Examples
    images: int
    settings: Settings
    hidden_units: int

    def student(
        self, digest: str, folder: Path | None, notice: Notice, bar: Any
    ) -> tuple[Any, bool]:
        """Return the student, and whether it was trained just now."""
        heard = asdict(self.settings)
        if self.examples.teacher_logits is None:
            # Without a teacher, these change nothing.
            del heard["temperature"], heard["hard_weight"]
        key = key_of(
            {
                "settings": heard,
                "hidden_units": self.hidden_units,
                "images": self.images,
                "examples": digest,
                "versions": [tf.__version__, keras.__version__],
                "code": [inspect.getsource(part) for part in CODE],
            }
        )

        def build(target: Path) -> None:
            student = distill.student(
                self._drawn(),
                settings=self.settings,
                hidden_units=self.hidden_units,
                progress=bar,
            )
            save_model(student, target / "model.keras")

        def load(source: Path) -> Any:
            return read_model(source / "model.keras")

        place = (folder or current_workspace().models) / f"student-{self.hidden_units}-{key}"
        return build_once(place, build=build, load=load, notice=notice)

    def _drawn(self) -> Examples:
        total = len(self.examples.images)
        if self.images == total:
            return self.examples
        draw = np.random.default_rng(self.settings.seed)
        return self.examples.chosen(np.sort(draw.choice(total, self.images, replace=False)))


def _digest(examples: Examples) -> str:
    digest = hashlib.sha256(repr(examples.augmentations).encode())
    for part in (examples.images, examples.labels, examples.teacher_logits):
        if part is not None:
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()[:16]


def _accuracy(student: Any, split: Split) -> float:
    # Not predict(), which would build a graph for each of many small students.
    return float((student(split.images).numpy().argmax(axis=1) == split.labels).mean())
