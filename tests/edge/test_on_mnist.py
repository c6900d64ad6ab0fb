"""What lesson 13 promises, on all 10,000 test images of the real MNIST."""

from __future__ import annotations

import numpy as np
import pytest

from deployworkbook.compression.litert_quantization import calibration_images, quantize
from deployworkbook.compression.pipeline import run
from deployworkbook.edge.compiling import compile_c
from deployworkbook.edge.exporting import export_c, write_project
from deployworkbook.edge.network import read_network
from deployworkbook.edge.planning import plan
from deployworkbook.edge.program import to_pixels
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.training.fit import baseline
from tests.edge.conftest import scores_in_numpy

ATMEGA328P = (32 * 1024, 2 * 1024)  # bytes of flash and RAM
# What the stack takes in emulation, and the scores in RAM.
STACK_AND_SCORES = 100 + 40


@pytest.mark.mnist
def test_int8_equals_litert_on_all_of_mnist(mnist, mnist_workspace, run_c, tmp_path) -> None:
    model = baseline(mnist, folder=mnist_workspace.models).model
    variant = quantize(model, "int8-full", images=calibration_images(mnist.train))
    project = export_c(variant, tmp_path / "c")
    scores, _ = run_c(project, to_pixels(mnist.test.images))
    expected = LiteRTPredictor(variant.flatbuffer)(mnist.test.images)
    np.testing.assert_array_equal(project.probabilities(scores), expected)
    build = compile_c(project, "cortex-m0plus")
    weights = 784 * 128 + 128 * 10
    assert build.sections.constants < 1.03 * weights
    assert build.sections.code <= 2048
    # TensorFlow Lite Micro's arena for such a model is 4,240 bytes.
    assert build.ram_bytes + 784 + STACK_AND_SCORES < 4240


def test_a_pruned_int4_network_fits_in_5_kb(networks, tmp_path) -> None:
    """As large as lesson 08's prune97.5-int4, which has 1,978 and 536 weights left."""
    network = networks.stored((784, 102, 10), sparsity=0.974)
    network.layers[1].weights[:] = networks.random.integers(-1, 2, (102, 10))
    project = write_project(plan(network), "test", tmp_path / "c")
    assert project.layouts == ("sparse int4", "int4")
    build = compile_c(project, "cortex-m0plus")
    assert build.flash_bytes <= 5000
    assert build.ram_bytes + 784 + STACK_AND_SCORES <= 1400
    small = compile_c(project, "avr")
    assert small.flash_bytes < ATMEGA328P[0]
    assert small.ram_bytes + 784 + STACK_AND_SCORES < ATMEGA328P[1]


@pytest.mark.report
@pytest.mark.mnist
def test_the_smallest_form_on_all_of_mnist(mnist, mnist_workspace, run_c, tmp_path) -> None:
    """Lesson 08's form, which takes minutes to make."""
    model = baseline(mnist, folder=mnist_workspace.models).model
    variant = run(model, mnist, folder=mnist_workspace.models)[-1].variant
    project = export_c(variant, tmp_path / "c")
    _, classes = run_c(project, to_pixels(mnist.test.images))
    litert = LiteRTPredictor(variant.flatbuffer)(mnist.test.images).argmax(axis=1)
    build = compile_c(project, "cortex-m0plus")
    labels = mnist.test.labels
    print(f"{variant.name}: {(classes == labels).mean():.2%} in C, ", end="")
    print(
        f"{(litert == labels).mean():.2%} in LiteRT, {(classes == litert).sum():,} equal, ", end=""
    )
    print(f"{build.flash_bytes:,} bytes of flash, {build.ram_bytes} of RAM")
    # The C code gives the answers of the file's weights, and LiteRT those of rounded activations.
    exact, rounded = scores_in_numpy(read_network(variant), mnist.test.images)
    # Its biases are whole numbers, which can decide about an image between two classes.
    assert (classes == exact.argmax(axis=1)).mean() >= 0.9995
    np.testing.assert_array_equal(litert, rounded.argmax(axis=1))
    assert build.flash_bytes <= 5000
