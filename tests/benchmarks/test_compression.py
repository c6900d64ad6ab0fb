"""The toolkit's default recipe against ours: same model, data, epochs and seeds, in one run.

One seed and one sparsity, or as many seeds as ``DEPLOYWORKBOOK_SEEDS`` says and three sparsities.
What each comes to is in the benchmark's extra information (``--benchmark-json``) and printed
(``-s``). Whether a teacher helps a small student, and what half of the neurons take, is shown in
tests/compression/test_on_mnist.py.
"""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from deployworkbook.compression.lean import lean_flatbuffer
from deployworkbook.compression.pipeline import run
from deployworkbook.compression.pruning import Pruning, prune
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.toolkit import Training, prune_low_magnitude
from deployworkbook.compression.training_set import Examples
from deployworkbook.runtimes.benchmarking import compressed_bytes, count_correct
from deployworkbook.runtimes.litert import LiteRTRuntime
from deployworkbook.training.fit import Recipe, baseline
from deployworkbook.training.variant import Variant

pytestmark = pytest.mark.mnist

SEEDS = range(int(os.environ.get("DEPLOYWORKBOOK_SEEDS", "1")))
SPARSITIES = [0.9, 0.95, 0.97] if len(SEEDS) > 1 else [0.95]
EPOCHS = 5


@pytest.fixture
def starts(mnist, mnist_workspace) -> list:
    folder = mnist_workspace.models
    return [baseline(mnist, Recipe(seed=seed), folder=folder) for seed in SEEDS]


def figures(variant: Variant, mnist, folder) -> tuple[float, int]:
    """Test accuracy and zipped bytes of a file that LiteRT runs."""
    runtime = LiteRTRuntime()
    artifact = runtime.export(variant, folder)
    correct = count_correct(runtime.load(artifact), mnist.test)
    return correct / len(mnist.test), compressed_bytes(artifact)


# What Fisher's choice of weights comes to on MNIST, tests/compression/test_on_mnist.py shows.
@pytest.mark.report
@pytest.mark.parametrize("sparsity", SPARSITIES)
def test_fisher_against_the_toolkit_s_magnitude(
    benchmark, mnist, starts, tmp_path, sparsity
) -> None:
    examples = Examples(mnist.train.images, mnist.train.labels)
    rows = {"toolkit": [], "ours": []}
    for seed, start in enumerate(each.model for each in starts):
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
            rows[name].append((*figures(variant, mnist, tmp_path), seconds))
    means = {name: np.mean(row, axis=0) for name, row in rows.items()}
    for name, (accuracy, size, seconds) in means.items():
        benchmark.extra_info[name] = {"accuracy": accuracy, "zipped": size, "seconds": seconds}
        print(f"{sparsity:.0%} {name}: {accuracy:.2%}, {size:,.0f} bytes, {seconds:.1f} s")
    benchmark.pedantic(lambda: None, rounds=1)
    gain = means["ours"][0] - means["toolkit"][0]
    assert gain > 0
    if sparsity == 0.95:
        assert gain >= 0.03


# Lesson 08's test shows the same for one seed; this reports it for as many as are asked for. Both
# are zipped. The small one learns longer, from a teacher: what compression costs at equal training,
# test_frontier.py reports.
@pytest.mark.report
def test_a_fiftieth_of_the_size_is_as_accurate_as_the_article_s_model(
    benchmark, mnist, mnist_workspace, starts, tmp_path
) -> None:
    sizes, gains, seconds = [], [], []
    for seed, start in enumerate(each.model for each in starts):
        variant = Variant("float32", model=start)
        before, baseline_bytes = figures(variant, mnist, tmp_path)
        outcomes = run(start, mnist, seed=seed, folder=mnist_workspace.models)
        last = outcomes[-1].measurement
        # As each stage was made; what is made already is taken as it is.
        seconds.append(sum(outcome.seconds for outcome in outcomes))
        sizes.append(baseline_bytes / last.compressed_bytes)
        gains.append(last.accuracy - before)
        print(
            f"seed {seed}: {last.accuracy:.2%} after {before:.2%}, {sizes[-1]:.1f} times smaller, "
            f"{seconds[-1]:.0f} s"
        )
    benchmark.extra_info.update(factor=np.mean(sizes), gain=np.mean(gains), seconds=max(seconds))
    benchmark.pedantic(lambda: None, rounds=1)
    assert min(sizes) >= 50
    assert np.mean(gains) >= 0
    # Against the training of the model that it begins with. Seen: 6 times as long.
    assert max(seconds) < 20 * max(each.seconds for each in starts)
