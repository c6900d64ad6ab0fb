"""Ways to choose weights, tuned alike: a report over seeds.

    DEPLOYWORKBOOK_MNIST=… DEPLOYWORKBOOK_ARMS=folder pytest -m report -s \
        tests/benchmarks/test_pruning_arms.py

Each arm prunes the same models to 95 % in as many epochs. Its learning rate is chosen on the
validation images of seed 0; then each seed is pruned at that rate, and the test images are looked
at once. Half of the neurons of a trained network stand against a network of 64 units that learns
from the start, for as many epochs. Results are kept as they come, and written to ``pruning.json``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from deployworkbook.compression import distill, toolkit
from deployworkbook.compression.neurons import prune_neurons
from deployworkbook.compression.pruning import Pruning, prune
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.training.fit import Recipe, baseline
from tests.benchmarks.provenance import Kept, provenance

pytestmark = [pytest.mark.mnist, pytest.mark.report, pytest.mark.timeout(0)]

SEEDS = range(int(os.environ.get("DEPLOYWORKBOOK_SEEDS", "5")))
SPARSITY, EPOCHS, START_EPOCHS = 0.95, 2, 5
RATES = (0.001, 0.002, 0.004, 0.008, 0.016)
WAYS = {
    "magnitude, per layer": Pruning(SPARSITY, "magnitude", "layer"),
    "magnitude, global": Pruning(SPARSITY, "magnitude", "global"),
    "Fisher, global": Pruning(SPARSITY, "fisher", "global"),
}
SCHEDULES = ("constant", "polynomial")
ARMS = (*WAYS, *(f"toolkit, {schedule}" for schedule in SCHEDULES))
PAIRS = (
    ("Fisher, global", "magnitude, global"),
    ("magnitude, global", "magnitude, per layer"),
    ("magnitude, per layer", "toolkit, polynomial"),
    ("toolkit, polynomial", "toolkit, constant"),
    ("neurons-50", "64 units"),
)


def pruned(arm: str, model, data, rate: float, seed: int):
    """Prune by an arm."""
    if arm in WAYS:
        examples = Examples(data.train.images, data.train.labels)
        settings = Settings(epochs=EPOCHS, learning_rate=rate, seed=seed)
        return prune(model, examples, pruning=WAYS[arm], settings=settings)
    training = toolkit.Training(epochs=EPOCHS, learning_rate=rate, seed=seed)
    schedule = arm.removeprefix("toolkit, ")
    return toolkit.prune_low_magnitude(
        model, data, sparsity=SPARSITY, schedule=schedule, training=training
    )


def halves(model, data, seed: int) -> dict:
    """Half of a network's neurons, and a network of so many from the start."""
    examples = Examples(data.train.images, data.train.labels)
    settings = Settings(epochs=EPOCHS, seed=seed)
    longer = Settings(epochs=START_EPOCHS + EPOCHS, seed=seed)
    return {
        "neurons-50": prune_neurons(model, examples, share=0.5, settings=settings),
        "64 units": distill.student(examples, settings=longer, hidden_units=64),
    }


def accuracy(model, split) -> float:
    """Share of the images that a model classifies rightly."""
    said = model.predict(split.images, batch_size=1000, verbose=0)
    return float((said.argmax(axis=1) == split.labels).mean())


def test_ways_to_prune_tuned_alike(mnist, tmp_path) -> None:
    named = os.environ.get("DEPLOYWORKBOOK_ARMS")
    folder = Path(named) if named else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    kept, began = Kept(folder / "arms.json"), perf_counter()

    def start(seed: int):
        return baseline(mnist, Recipe(epochs=START_EPOCHS, seed=seed), folder=folder).model

    def measured(name: str, model) -> None:
        accuracies = {
            "validation": accuracy(model, mnist.validation),
            "test": accuracy(model, mnist.test),
        }
        kept.add(name, accuracies)

    for arm in ARMS:
        for rate in RATES:
            if f"{arm}, {rate}, 0" not in kept.figures:
                measured(f"{arm}, {rate}, 0", pruned(arm, start(0), mnist, rate, 0))
    figures = kept.figures
    rates = {
        arm: max(RATES, key=lambda rate, arm=arm: figures[f"{arm}, {rate}, 0"]["validation"])
        for arm in ARMS
    }
    tests: dict[str, list[float]] = {}
    for seed in SEEDS:
        for arm in ARMS:
            name = f"{arm}, {rates[arm]}, {seed}"
            if name not in figures:
                measured(name, pruned(arm, start(seed), mnist, rates[arm], seed))
            tests.setdefault(arm, []).append(round(figures[name]["test"], 4))
        if f"64 units, {seed}" not in figures:
            for title, model in halves(start(seed), mnist, seed).items():
                measured(f"{title}, {seed}", model)
        for title in ("neurons-50", "64 units"):
            tests.setdefault(title, []).append(round(figures[f"{title}, {seed}"]["test"], 4))
    against = {}
    for first, second in PAIRS:
        points = 100 * (np.array(tests[first]) - np.array(tests[second]))
        low, high = mean_interval(points)
        against[f"{first} − {second}"] = {
            "points": round(float(points.mean()), 2),
            "interval": [round(low, 2), round(high, 2)],
        }
    made = provenance(
        "tests/benchmarks/test_pruning_arms.py", seconds=perf_counter() - began, seeds=SEEDS
    )
    content = {"provenance": made, "rates": rates, "test": tests, "against": against}
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (folder / "pruning.json").write_text(text, encoding="utf-8")
    print(text)
