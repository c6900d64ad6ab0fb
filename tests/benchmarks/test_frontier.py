"""The frontier at equal training: how small for how much accuracy, over seeds, with intervals.

A report that takes about half an hour per network on one core; it judges nothing. Each run is kept
as soon as it ends, so it can be interrupted and goes on where it was:

    DEPLOYWORKBOOK_MNIST=… DEPLOYWORKBOOK_FRONTIER=folder pytest -m report -s \
        tests/benchmarks/test_frontier.py

``DEPLOYWORKBOOK_SEEDS`` says how many seeds (5). When all runs are there, forms are chosen by their
accuracy on validation images, the test images are looked at once, and ``frontier.json`` is written
into the folder. Copied to ``deployworkbook/compression/results``, it is what lessons read.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from deployworkbook.compression import distill
from deployworkbook.compression.lean import lean_flatbuffer
from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.runtimes.benchmarking import count_correct
from deployworkbook.runtimes.litert import LiteRTRuntime
from deployworkbook.training.fit import Recipe, baseline
from deployworkbook.training.variant import Variant
from tests.benchmarks.frontier_networks import (
    accuracy,
    kept,
    keras_model,
    moved_images,
    rounded_biases,
    sizes_of,
    without_idle_units,
)
from tests.benchmarks.frontier_training import Lesson, Trainer, first_weights
from tests.benchmarks.provenance import provenance

pytestmark = [pytest.mark.mnist, pytest.mark.report, pytest.mark.timeout(0)]

SEEDS = range(int(os.environ.get("DEPLOYWORKBOOK_SEEDS", "5")))
NETWORKS = {"784-128-10": (784, 128, 10), "784-300-100-10": (784, 300, 100, 10)}
SPARSITIES = {
    "784-128-10": (0.5, 0.7, 0.85, 0.9, 0.94, 0.975),
    "784-300-100-10": (0.8, 0.9, 0.95, 0.97, 0.98, 0.985, 0.992),
}
# All networks of a seed share a start, and learn on equally long: as they are, or while they are
# pruned and rounded. The learning rates of both were chosen among 0.0015, 0.003, 0.006 and 0.012 on
# the validation images of seed 0.
START_EPOCHS, START_RATE = 12, 0.004
EPOCHS = {"784-128-10": 24, "784-300-100-10": 24}
FLOAT_RATE, RATE = 0.012, 0.008
# Points of accuracy that may be lost.
LOSSES = (0.0, 0.25, 0.5, 1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where runs are kept."""
    named = os.environ.get("DEPLOYWORKBOOK_FRONTIER")
    place = Path(named) if named else tmp_path_factory.mktemp("frontier")
    place.mkdir(parents=True, exist_ok=True)
    return place


def run_seed(name: str, seed: int, lesson: Lesson, cropped: Lesson, data, folder: Path) -> list:
    """Train and weigh all networks of a seed."""

    def start() -> dict[str, np.ndarray]:
        first = first_weights(NETWORKS[name], np.random.default_rng(seed))
        parameters, _ = Trainer(first, lesson, START_EPOCHS, START_RATE, seed).run()
        return {f"p{place}": array for place, array in enumerate(parameters)}

    begun = kept(folder / f"{name}-{seed}-start.npz", start)
    begin = [begun[f"p{place}"] for place in range(len(begun))]
    rows = []
    for sparsity in (0.0, *SPARSITIES[name]):

        def learn(sparsity: float = sparsity) -> dict[str, np.ndarray]:
            began = perf_counter()
            trainer = Trainer(begin, lesson, EPOCHS[name], FLOAT_RATE, seed)
            if sparsity:
                form = {"sparsity": sparsity, "pixels": lesson.often_lit(), "rate": RATE}
                trainer = replace(trainer, lesson=cropped, **form)
            parameters, steps = trainer.run()
            arrays = {f"p{place}": array for place, array in enumerate(parameters)}
            return arrays | {"steps": np.array(steps), "seconds": np.array(perf_counter() - began)}

        found = kept(folder / f"{name}-{seed}-{sparsity:g}.npz", learn)
        parameters = [found[f"p{place}"] for place in range(len(begin))]
        steps = list(found["steps"])
        if steps:
            parameters = without_idle_units(rounded_biases(parameters, steps))
        zeros = 1 - sum(map(np.count_nonzero, found_kernels(found))) / sum(
            kernel.size for kernel in found_kernels(found)
        )
        rows.append(
            {
                "network": name,
                "seed": seed,
                "sparsity": sparsity,
                "zeros": round(float(zeros), 4),
                "validation": accuracy(parameters, data.validation),
                "seconds": round(float(found["seconds"]), 1),
                **sizes_of(parameters, steps, folder),
                "_parameters": parameters,
                "_steps": steps,
            }
        )
        print({key: value for key, value in rows[-1].items() if key[0] != "_"})
    return rows


def found_kernels(found: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The kernels among a run's arrays."""
    return [array for key, array in found.items() if key[0] == "p" and array.ndim == 2]


def article_rows(data, folder: Path) -> list[dict]:
    """The article's model: 5 epochs on labels."""
    rows = []
    for seed in SEEDS:
        model = baseline(data, Recipe(seed=seed), folder=folder).model
        parameters = model.get_weights()
        sizes = sizes_of(parameters, [], folder)
        validation = accuracy(parameters, data.validation)
        test = accuracy(parameters, data.test)
        rows.append({"seed": seed, "validation": validation, "test": test, **sizes})
    return rows


def chosen(rows: list[dict], reference: list[float], lost: float) -> float | None:
    """The sparsity of the smallest form that loses at most so many points on validation images.

    At 0 points: of which no loss is shown, since the interval of its mean includes 0.
    """
    found = []
    for sparsity in sorted({row["sparsity"] for row in rows} - {0.0}):
        forms = [row for row in rows if row["sparsity"] == sparsity]
        points = [100 * (f["validation"] - r) for f, r in zip(forms, reference, strict=True)]
        limit = mean_interval(points)[1] if lost == 0 and len(points) > 1 else np.mean(points)
        if limit >= -lost:
            found.append((np.mean([form["coded"] for form in forms]), sparsity))
    return min(found)[1] if found else None


def compared(forms: list[dict], references: list[dict], data, folder: Path) -> dict:
    """A form against a reference on the test images, paired by seed."""
    coded = [accuracy(form["_parameters"], data.test) for form in forms]
    runtime, litert = LiteRTRuntime(), []
    for form in forms:
        content = lean_flatbuffer(keras_model(form["_parameters"]), bits=4)
        predictor = runtime.load(runtime.export(Variant("small", flatbuffer=content), folder))
        litert.append(count_correct(predictor, data.test) / len(data.test))
    before = np.array([row["test"] for row in references])
    points = 100 * (np.array(coded) - before)

    def factor(of: str, by: str) -> float:
        quotients = [r[of] / f[by] for r, f in zip(references, forms, strict=True)]
        return round(float(np.mean(quotients)), 2)

    return {
        "sparsity": forms[0]["sparsity"],
        "test": [round(each, 4) for each in coded],
        "test_litert": [round(each, 4) for each in litert],
        "reference_test": [round(float(each), 4) for each in before],
        "points": round(float(points.mean()), 3),
        "interval": [round(each, 3) for each in mean_interval(points)] if len(points) > 1 else None,
        "points_litert": round(float(100 * (np.array(litert) - before).mean()), 3),
        "factor_zipped": factor("zipped", "zipped"),
        "factor_raw": factor("raw", "raw"),
        "factor_coded": factor("zipped", "coded"),
        "factor_coded_to_raw": factor("raw", "coded"),
        "coded_bytes": round(float(np.mean([form["coded"] for form in forms]))),
    }


def training() -> dict:
    """How all networks were trained."""
    return {
        "start": f"{START_EPOCHS} epochs at {START_RATE:g}, shared by all forms of a seed",
        "then": EPOCHS,
        "rates": {"float32": FLOAT_RATE, "compressed": RATE},
        "teacher": "the CNN of lesson 07",
        "augmentation": "a pixel each way, 8 degrees each way",
    }


def test_the_frontier_at_equal_training(mnist, folder) -> None:
    networks = os.environ.get("DEPLOYWORKBOOK_NETWORKS", ",".join(NETWORKS)).split(",")
    teacher = distill.teacher(mnist, folder=folder)
    taught = distill.learn_from(mnist, teacher, augmentations=distill.AUGMENTATIONS, folder=folder)
    images = kept(folder / "moved.npz", lambda: {"images": moved_images(mnist.train.images)})[
        "images"
    ]
    lesson = Lesson(images, taught.teacher_logits.reshape(-1, 10), mnist.train.labels)
    cropped = lesson.cropped()
    article = article_rows(mnist, folder)
    content = {"article": article, "runs": [], "against": {}}
    for name in networks:
        rows = []
        with threadpool_limits(1):
            for seed in SEEDS:
                rows += run_seed(name, seed, lesson, cropped, mnist, folder)
        floats = [row for row in rows if row["sparsity"] == 0]
        for row in floats:
            row["test"] = accuracy(row["_parameters"], mnist.test)
        against = {}
        for title, references, losses in (
            ("equally trained float32", floats, LOSSES),
            ("the article's model", article, LOSSES[:1]),
        ):
            for lost in losses if references else ():
                sparsity = chosen(rows, [each["validation"] for each in references], lost)
                if sparsity is None:
                    continue
                forms = [row for row in rows if row["sparsity"] == sparsity]
                result = compared(forms, references, mnist, folder)
                against.setdefault(title, {})[f"{lost:g}"] = result
                print(name, title, lost, result)
        content["runs"] += [
            {key: value for key, value in row.items() if key[0] != "_"} for row in rows
        ]
        content["against"][name] = against
    seconds = sum(row["seconds"] for row in content["runs"])
    made = provenance("tests/benchmarks/test_frontier.py", seconds=seconds, seeds=SEEDS)
    content = {"provenance": {**made, "training": training()}, **content}
    (folder / "frontier.json").write_text(json.dumps(content, indent=1) + "\n")
