"""Pairs of students, trained in NumPy by the formulas that lesson 07 derives.

A network of a few hidden units computes its step faster than TensorFlow starts one, and needs no
graph. So the students of a comparison, which are many and small, learn here: several pairs at once,
each on a core of its own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from deployworkbook.compression.augmentation import Augmentation
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.stepping import Batches, Pace
from deployworkbook.compression.training_set import Examples
from deployworkbook.formulas.descent import State, adam
from deployworkbook.formulas.distillation import student_gradient
from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.losses import categorical_cross_entropy_from_logits_gradient
from deployworkbook.formulas.schedules import cosine_decay
from deployworkbook.training.keras2 import set_seed
from deployworkbook.training.models import mlp
from deployworkbook.validation import value_error

Floats = NDArray[np.float32]
# Kernel and bias of both layers, in the order of ``get_weights``.
Weights = list[Floats]


@dataclass(frozen=True, eq=False)
class Lessons:
    """What all pairs learn from, in the form that a step needs.

    Args:
        images: Shape ``[n, pixels]``.
        targets: Labels, one-hot, shape ``[n, classes]``.
        teacher: The teacher's logits, shape ``[n, classes]``.
    """

    images: Floats
    targets: NDArray[np.float64]
    teacher: NDArray[np.float64]

    @classmethod
    def of(cls, taught: Examples) -> Lessons:
        """Prepare training examples.

        Raises:
            ValueError: There is no teacher, or images are moved.
        """
        if taught.teacher_logits is None:
            expected = "examples with a teacher's logits"
            raise value_error("taught", received="labels alone", expected=expected)
        if taught.augmentations != (Augmentation(),):
            received = f"{len(taught.augmentations)} movements of each image"
            raise value_error("taught", received=received, expected="images that aren't moved")
        logits = taught.teacher_logits[0].astype(np.float64)
        images = taught.images.reshape(len(taught.images), -1)
        return cls(images, one_hot(taught.labels, logits.shape[-1]), logits)


def train_pairs(
    lessons: Lessons,
    *,
    settings: Settings,
    hidden_units: int,
    seeds: Sequence[int],
    images: int,
) -> list[tuple[Weights, Weights]]:
    """Train a student alone and a distilled one per seed, from the same start on the same batches.

    The weights are those that ``distill.student`` gives, but for rounding.

    Args:
        lessons: What they learn from.
        settings: Training settings; temperature and hard weight are those of the distilled ones.
        hidden_units: Width of the students.
        seeds: One per pair: it determines the initial weights, the images and their order.
        images: Number of images that each pair draws.

    Returns:
        Per pair, the weights of the student alone and those of the distilled one.
    """
    pairs = [_Pair(lessons, settings, hidden_units, seed, images) for seed in seeds]
    steps, pace = pairs[0].steps, Pace()
    with (
        # Matrices this thin gain nothing from several threads.
        threadpool_limits(1),
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=steps, unit="step", mininterval=0.2) as bar,
    ):

        def advance(count: int) -> None:
            list(pool.map(lambda pair: pair.advance(count), pairs))

        for _ in pace.calls(advance, steps, bar):
            pass
    return [pair.weights() for pair in pairs]


class _Pair:
    """A student alone and a distilled one; as they see the same images, their layers are stacked.

    The first kernel is the two students' kernels side by side, so a step reads each image once.
    """

    def __init__(
        self, lessons: Lessons, settings: Settings, hidden_units: int, seed: int, images: int
    ) -> None:
        self.steps = settings.epochs * -(-images // settings.batch_size)
        self._lessons, self._settings, self._units = lessons, settings, hidden_units
        total = len(lessons.images)
        self._rows = np.arange(total)
        if images != total:
            chosen = np.random.default_rng(seed).choice(total, images, replace=False)
            self._rows = np.sort(chosen)
        # The same generators as in ``Retraining``, so the same batches.
        shuffle, _ = np.random.default_rng(seed).spawn(2)
        self._batches = Batches(images, settings.batch_size, shuffle)
        self._rates = np.full(self.steps, settings.learning_rate)
        if settings.decay == "cosine":
            self._rates = cosine_decay(np.arange(self.steps), self.steps, settings.learning_rate)
        set_seed(seed)
        kernel, bias, last, ends = mlp(hidden_units=hidden_units).get_weights()
        both = [np.hstack([kernel] * 2), np.hstack([bias] * 2), last, ends, last, ends]
        self._shapes = [each.shape for each in both]
        self._ends = np.cumsum([each.size for each in both])[:-1]
        # Adam looks at each weight by itself, so all of them are one vector.
        self._vector = np.concatenate([each.ravel() for each in both]).astype(np.float64)
        self._state = State()

    def advance(self, count: int) -> None:
        """Take some steps."""
        for batch in self._batches.draw(count):
            self._take_step(self._rows[batch])

    def weights(self) -> tuple[Weights, Weights]:
        """Take the two students apart."""
        kernel, bias, *lasts = self._unpacked()
        units = self._units
        return (
            [kernel[:, :units], bias[:units], *lasts[:2]],
            [kernel[:, units:], bias[units:], *lasts[2:]],
        )

    def _unpacked(self) -> Weights:
        parts = np.split(self._vector.astype(np.float32), self._ends)
        return [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def _take_step(self, rows: NDArray[np.int64]) -> None:
        kernel, bias, *lasts = self._unpacked()
        images = np.take(self._lessons.images, rows, axis=0)
        hidden = images @ kernel
        hidden += bias
        np.maximum(hidden, 0, out=hidden)
        targets, teacher = self._lessons.targets[rows], self._lessons.teacher[rows]
        errors, gradients = np.empty_like(hidden), []
        for place in range(2):
            part = np.s_[:, place * self._units : (place + 1) * self._units]
            last, ends = lasts[2 * place : 2 * place + 2]
            logits = hidden[part] @ last + ends
            if place == 0:
                by_logits = categorical_cross_entropy_from_logits_gradient(targets, logits)
            else:
                by_logits = student_gradient(
                    targets,
                    teacher,
                    logits,
                    temperature=self._settings.temperature,
                    hard_weight=self._settings.hard_weight,
                )
            error = (by_logits / len(rows)).astype(np.float32)
            errors[part] = error @ last.T
            gradients += [(hidden[part].T @ error).ravel(), error.sum(axis=0)]
        errors *= hidden > 0
        first = [(images.T @ errors).ravel(), errors.sum(axis=0)]
        self._vector, self._state = adam(
            self._vector,
            np.concatenate([*first, *gradients]),
            self._state,
            learning_rate=float(self._rates[self._state.step]),
        )
