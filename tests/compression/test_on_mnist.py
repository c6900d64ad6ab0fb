"""On the real MNIST: what lessons 06 and 07 claim, with their settings, without their notebooks.

``pytest -m report tests/notebooks/test_runs.py`` runs the lessons themselves on it.
"""

import time
from dataclasses import replace

import numpy as np
import pytest

from deployworkbook.compression import distill
from deployworkbook.compression.neurons import prune_neurons
from deployworkbook.compression.pruning import Pruning, prune
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.students import compare_students
from deployworkbook.compression.training_set import Examples
from deployworkbook.runtimes.benchmarking import compressed_bytes, count_correct
from deployworkbook.runtimes.litert import LiteRTRuntime
from deployworkbook.training.variant import Variant

pytestmark = pytest.mark.mnist


def test_on_the_real_mnist_zeros_zip_well_and_fewer_neurons_run_faster(
    mnist_data, mnist_models, tmp_path
):
    few = mnist_data.train.take(20_000)
    examples = Examples(few.images, few.labels)
    start, settings, runtime = mnist_models[0], Settings(epochs=3), LiteRTRuntime()
    models = {
        "float32": start,
        "pruned": prune(start, examples, pruning=Pruning(sparsity=0.95), settings=settings),
        "halved": prune_neurons(start, examples, share=0.5, settings=settings),
    }
    files = {name: runtime.export(Variant(name, each), tmp_path) for name, each in models.items()}
    assert files["pruned"].size_bytes == files["float32"].size_bytes
    # A twentieth of the weights is left, and each needs its place besides its value.
    assert compressed_bytes(files["pruned"]) < compressed_bytes(files["float32"]) / 5
    assert files["halved"].size_bytes < 0.55 * files["float32"].size_bytes

    asks = {name: runtime.load(each) for name, each in files.items()}
    # The unpruned model has 97.7 %; seen: 9,594 and 9,758.
    assert count_correct(asks["pruned"], mnist_data.test) > 9500
    assert count_correct(asks["halved"], mnist_data.test) > 9680
    batch = mnist_data.test.images[:256]
    times_s: dict[str, list[float]] = {"float32": [], "halved": []}
    # In turn, so that a busy machine slows both.
    for _ in range(200):
        for name, taken_s in times_s.items():
            began = time.perf_counter()
            asks[name](batch)
            taken_s.append(time.perf_counter() - began)
    # Half of the arithmetic; a fifth is what no noise of a busy machine takes away.
    assert np.median(times_s["float32"]) > 1.2 * np.median(times_s["halved"])


def test_on_the_real_mnist_a_teacher_helps_students_of_64_units_with_few_images(
    mnist_data, mnist_workspace, tmp_path
):
    """A teacher that saw 18,000 images once, and students of 500; lesson 07's have more of both.

    Seen: gains of 2.0 to 3.1 points in each of five pairs, and an interval from 2.1 to 3.1.
    """
    data = replace(mnist_data, train=mnist_data.train.take(18_000))
    brief = replace(distill.TEACHING, epochs=1)
    teacher = distill.teacher(data, settings=brief, folder=mnist_workspace.models)
    taught = distill.learn_from(data, teacher, folder=tmp_path)
    said = taught.teacher_logits[0].argmax(axis=1)
    assert (said == data.train.labels).mean() >= 0.94
    found = compare_students(
        taught,
        data.test,
        settings=Settings(40, learning_rate=0.005, temperature=3.0, hard_weight=0.1),
        hidden_units=64,
        seeds=range(5),
        images=500,
        folder=tmp_path,
    )
    assert found.verdict == "distilled is better", found.differences
