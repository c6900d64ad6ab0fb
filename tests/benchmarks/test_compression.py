"""The toolkit's default recipe against ours: same model, data, epochs and seeds, in one run.

One seed unless ``DEPLOYWORKBOOK_SEEDS`` says more. What each comes to is in the benchmark's extra
information (``--benchmark-json``) and printed (``-s``).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from deployworkbook.compression.distill import learn_from, student, teacher
from deployworkbook.compression.lean import lean_flatbuffer
from deployworkbook.compression.neurons import prune_neurons
from deployworkbook.compression.pipeline import run
from deployworkbook.compression.prune import Pruning, prune
from deployworkbook.compression.retrain import Examples, Settings
from deployworkbook.compression.toolkit import Training, prune_low_magnitude
from deployworkbook.runtimes.benchmark import compressed_bytes, count_correct
from deployworkbook.runtimes.litert import LiteRTRuntime
from deployworkbook.training.fit import Recipe, baseline
from deployworkbook.training.variant import Variant

pytestmark = pytest.mark.mnist

SEEDS = range(int(os.environ.get("DEPLOYWORKBOOK_SEEDS", "1")))
EPOCHS = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where trained models live for this module."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def starts(mnist, folder) -> list:
    return [baseline(mnist, Recipe(seed=seed), folder=folder).model for seed in SEEDS]


def figures(variant: Variant, mnist, folder) -> tuple[float, int]:
    """Test accuracy and zipped bytes of a file that LiteRT runs."""
    runtime = LiteRTRuntime()
    artifact = runtime.export(variant, folder)
    correct = count_correct(runtime.load(artifact), mnist.test)
    return correct / len(mnist.test), compressed_bytes(artifact)


@pytest.mark.parametrize("sparsity", [0.9, 0.95, 0.97])
def test_fisher_against_the_toolkit_s_magnitude(benchmark, mnist, folder, starts, sparsity) -> None:
    examples = Examples(mnist.train.images, mnist.train.labels)
    rows = {"toolkit": [], "ours": []}
    for seed, start in enumerate(starts):
        began = time.perf_counter()
        theirs = prune_low_magnitude(
            start, mnist, sparsity=sparsity, training=Training(epochs=EPOCHS, seed=seed)
        )
        middle = time.perf_counter()
        ours = prune(
            start,
            examples,
            pruning=Pruning(sparsity=sparsity),
            settings=Settings(epochs=EPOCHS, seed=seed),
        )
        end = time.perf_counter()
        for name, model, seconds in (
            ("toolkit", theirs, middle - began),
            ("ours", ours, end - middle),
        ):
            variant = Variant(name, flatbuffer=lean_flatbuffer(model))
            rows[name].append((*figures(variant, mnist, folder), seconds))
    means = {name: np.mean(row, axis=0) for name, row in rows.items()}
    for name, (accuracy, size, seconds) in means.items():
        benchmark.extra_info[name] = {"accuracy": accuracy, "zipped": size, "seconds": seconds}
        print(f"{sparsity:.0%} {name}: {accuracy:.2%}, {size:,.0f} bytes, {seconds:.1f} s")
    benchmark.pedantic(lambda: None, rounds=1)
    gain = means["ours"][0] - means["toolkit"][0]
    assert gain > 0
    if sparsity == 0.95:
        assert gain >= 0.03


def test_the_pipeline_loses_nothing_at_a_fiftieth_of_the_size(
    benchmark, mnist, folder, starts
) -> None:
    sizes, gains, seconds = [], [], []
    began = time.perf_counter()
    teacher(mnist, folder=folder)
    teaching_s = time.perf_counter() - began
    for seed, start in enumerate(starts):
        before, _ = figures(Variant("float32", model=start), mnist, folder)
        baseline_bytes = LiteRTRuntime().export(Variant("float32", model=start), folder).size_bytes
        began = time.perf_counter()
        last = run(start, mnist, seed=seed, folder=folder)[-1].measurement
        seconds.append(time.perf_counter() - began)
        sizes.append(baseline_bytes / last.compressed_bytes)
        gains.append(last.accuracy - before)
        print(
            f"seed {seed}: {last.accuracy:.2%} after {before:.2%}, {sizes[-1]:.1f} times smaller, "
            f"{seconds[-1]:.0f} s and {teaching_s:.0f} s for the teacher"
        )
    benchmark.extra_info.update(factor=np.mean(sizes), gain=np.mean(gains), seconds=max(seconds))
    benchmark.pedantic(lambda: None, rounds=1)
    assert min(sizes) >= 50
    assert np.mean(gains) >= 0
    assert max(seconds) + teaching_s < 180


def test_half_of_the_neurons_make_a_smaller_and_a_faster_file(
    benchmark, mnist, folder, starts
) -> None:
    examples = Examples(mnist.train.images, mnist.train.labels)
    half = prune_neurons(starts[0], examples, share=0.5, settings=Settings(epochs=3))
    runtime = LiteRTRuntime()
    artifacts = [
        runtime.export(Variant(name, model=model), folder)
        for name, model in (("float32", starts[0]), ("half", half))
    ]
    batch = mnist.test.images[:256]
    predictors = [runtime.load(artifact) for artifact in artifacts]
    times: list[list[float]] = [[], []]
    # In turn, so that a busy machine slows both.
    for _ in range(200):
        for predict, record in zip(predictors, times, strict=True):
            began = time.perf_counter()
            predict(batch)
            record.append(time.perf_counter() - began)
    whole_s, half_s = (float(np.median(record[20:])) for record in times)
    benchmark.extra_info.update(whole_ms=whole_s * 1e3, half_ms=half_s * 1e3)
    benchmark.pedantic(predictors[1], (batch,), rounds=20)
    print(f"batch of 256: {whole_s * 1e3:.3f} ms, with half of the neurons {half_s * 1e3:.3f} ms")
    assert artifacts[1].size_bytes < 0.55 * artifacts[0].size_bytes
    assert half_s < 0.8 * whole_s


def test_what_a_teacher_gives_a_student_of_16(benchmark, mnist, folder) -> None:
    """Reports an interval and claims no gain.

    Of eight settings tried on the validation set with other seeds (temperatures 1, 2, 4 and 8, the
    labels' share 0.1 and 0.5), none beat the student alone; temperature 1 came nearest, and the
    higher the temperature, the worse. What is asserted is only that it does little harm.
    """
    from scipy import stats

    master = teacher(mnist, folder=folder)
    taught = learn_from(mnist, master, folder=folder)
    alone = Examples(mnist.train.images, mnist.train.labels)
    differences = []
    for seed in range(5):
        settings = Settings(epochs=10, temperature=1.0, seed=seed)
        correct = [
            (
                student(each, settings=settings, hidden_units=16)
                .predict(mnist.test.images, batch_size=1000, verbose=0)
                .argmax(axis=1)
                == mnist.test.labels
            ).mean()
            for each in (taught, alone)
        ]
        differences.append(correct[0] - correct[1])
    low, high = stats.t.interval(
        0.95, len(differences) - 1, np.mean(differences), stats.sem(differences)
    )
    benchmark.extra_info.update(mean=np.mean(differences), low=low, high=high)
    benchmark.pedantic(lambda: None, rounds=1)
    print(f"taught less alone: {np.mean(differences):.2%}, from {low:.2%} to {high:.2%}")
    assert low > -0.01
