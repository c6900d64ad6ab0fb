"""What each ingredient of a compressed model adds: leave it out, and tune the rest anew.

    DEPLOYWORKBOOK_MNIST=… DEPLOYWORKBOOK_ABLATION=folder pytest -m report -s \
        tests/benchmarks/test_ablation.py

All arms start from the article's model of their seed: 5 epochs on labels. The whole recipe then
prunes it and rounds it to 4 bits while it learns from a teacher, on moved digits. Each other arm
leaves one of these out. An arm's learning rate is chosen on the validation images of seed 0; each
seed is trained at that rate, and test accuracies are compared in pairs. It takes about ten minutes
on one core. Figures are kept as they come, so that it can be interrupted; ``ablation.json`` is
written into the folder. Lesson 08 reads its copy in ``deployworkbook/compression/results``.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from deployworkbook.compression import distill
from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.training.fit import Recipe, baseline
from tests.benchmarks.frontier_networks import (
    accuracy,
    kept,
    moved_images,
    rounded_biases,
    sizes_of,
    without_idle_units,
)
from tests.benchmarks.frontier_training import ROUNDED_FROM, Lesson, Trainer
from tests.benchmarks.provenance import Kept, provenance

pytestmark = [pytest.mark.mnist, pytest.mark.report, pytest.mark.timeout(0)]

SEEDS = range(int(os.environ.get("DEPLOYWORKBOOK_SEEDS", "5")))
EPOCHS, SPARSITY = 10, 0.97
RATES = (0.006, 0.012)
# So few weights that none is pruned; at 0, a network isn't rounded either.
NONE = 1e-9


@dataclass(frozen=True)
class Arm:
    """A recipe, whole or without an ingredient."""

    is_taught: bool = True
    is_moved: bool = True
    epochs: int = EPOCHS
    sparsity: float = SPARSITY
    is_rounded: bool = True


WHOLE = "the whole recipe"
ARMS = {
    WHOLE: Arm(),
    "without the teacher": Arm(is_taught=False),
    "without moved digits": Arm(is_moved=False),
    "with half of the epochs": Arm(epochs=EPOCHS // 2),
    "without pruning": Arm(sparsity=NONE),
    "without rounding": Arm(is_rounded=False),
}


@dataclass(frozen=True, eq=False)
class Lessons:
    """Moved digits and unmoved ones, whole and cropped to the pixels that are lit often enough."""

    moved: Lesson
    unmoved: Lesson
    moved_cropped: Lesson
    unmoved_cropped: Lesson

    def of(self, arm: Arm) -> tuple[Lesson, np.ndarray | None]:
        """What an arm learns from, and which pixels that shows."""
        lesson = self.moved if arm.is_moved else self.unmoved
        if arm.sparsity <= NONE:
            return lesson, None
        cropped = self.moved_cropped if arm.is_moved else self.unmoved_cropped
        return cropped, lesson.often_lit()


def lessons_of(data, folder: Path) -> Lessons:
    """Make what the arms learn from, or read it."""
    teacher = distill.teacher(data, folder=folder)
    taught = distill.learn_from(data, teacher, augmentations=distill.AUGMENTATIONS, folder=folder)
    images = kept(folder / "moved.npz", lambda: {"images": moved_images(data.train.images)})
    logits, count = taught.teacher_logits.reshape(-1, 10), len(data.train.labels)
    moved = Lesson(images["images"], logits, data.train.labels)
    unmoved = Lesson(moved.images[:count], logits[:count], data.train.labels)
    return Lessons(moved, unmoved, moved.cropped(), unmoved.cropped())


def figures_of(arm: Arm, start, lessons: Lessons, data, rate: float, seed: int, folder) -> dict:
    """Train an arm from a start, weigh it, and look at its accuracies."""
    lesson, pixels = lessons.of(arm)
    trainer = Trainer(
        start,
        lesson,
        arm.epochs,
        rate,
        seed,
        sparsity=arm.sparsity,
        pixels=pixels,
        hard_weight=Trainer.hard_weight if arm.is_taught else 1.0,
        rounded_from=ROUNDED_FROM if arm.is_rounded else math.inf,
    )
    began = perf_counter()
    with threadpool_limits(1):
        parameters, steps = trainer.run()
    seconds = perf_counter() - began
    if steps:
        parameters = rounded_biases(parameters, steps)
    parameters = without_idle_units(parameters)
    return {
        "validation": accuracy(parameters, data.validation),
        "test": accuracy(parameters, data.test),
        "seconds": round(seconds, 1),
        **sizes_of(parameters, steps, folder),
    }


def test_what_each_ingredient_adds(mnist, tmp_path) -> None:
    named = os.environ.get("DEPLOYWORKBOOK_ABLATION")
    folder = Path(named) if named else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    figures = Kept(folder / "arms.json")
    lessons = lessons_of(mnist, folder)

    def measure(name: str, rate: float, seed: int) -> dict:
        place = f"{name}, {rate}, {seed}"
        if place not in figures.figures:
            start = baseline(mnist, Recipe(seed=seed), folder=folder).model.get_weights()
            made = figures_of(ARMS[name], start, lessons, mnist, rate, seed, folder)
            figures.add(place, made)
        return figures.figures[place]

    rates, arms = {}, {}
    for name in ARMS:
        rates[name] = max(RATES, key=lambda rate, name=name: measure(name, rate, 0)["validation"])
    # Seed by seed, so that the arms of a seed share what else the machine does.
    runs = {name: [] for name in ARMS}
    for seed in SEEDS:
        for name in ARMS:
            runs[name].append(measure(name, rates[name], seed))
    whole = np.array([run["test"] for run in runs[WHOLE]])
    for name, found in runs.items():
        points = 100 * (np.array([run["test"] for run in found]) - whole)
        low, high = (0.0, 0.0) if name == WHOLE else mean_interval(points)
        arms[name] = {
            "test": [round(run["test"], 4) for run in found],
            "zipped": round(float(np.mean([run["zipped"] for run in found]))),
            "points": round(float(points.mean()), 2),
            "interval": [round(low, 2), round(high, 2)],
        }
    made = provenance(
        "tests/benchmarks/test_ablation.py",
        seconds=sum(run["seconds"] for run in figures.figures.values()),
        seeds=SEEDS,
    )
    content = {"provenance": made, "rates": rates, "against": arms}
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (folder / "ablation.json").write_text(text, encoding="utf-8")
    print(text)
