"""The toolkit's own ways: what they promise is in what they return."""

import numpy as np
import pytest

from deployworkbook.compression.toolkit import (
    BLOCK,
    Training,
    cluster,
    prune_low_magnitude,
    quantize_and_preserve,
)
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.training.models import mlp

QUICK = Training(epochs=1)


@pytest.fixture(scope="module")
def pruned(model, digits):
    return prune_low_magnitude(model, digits, sparsity=0.8, training=QUICK)


@pytest.fixture(scope="module")
def clustered(pruned, digits):
    return cluster(pruned, digits, values=8, training=QUICK)


def zeros_of(model):
    return [(kernel == 0) for kernel in model.get_weights()[0::2]]


def test_each_layer_loses_the_same_fraction(pruned):
    assert type(pruned.layers[1]).__name__ == "Dense"
    for zeros in zeros_of(pruned):
        assert zeros.mean() == pytest.approx(0.8, abs=1 / zeros.size)


def test_two_of_four_neighbours_are_pruned(model, digits):
    pruned = prune_low_magnitude(model, digits, pattern="2:4", training=QUICK)
    for zeros in zeros_of(pruned):
        # Neighbours are inputs of one neuron, as the hardware has them.
        assert (zeros.T.reshape(-1, 4).sum(axis=1) == 2).all()


def test_whole_blocks_are_pruned_by_the_constant_schedule(model, digits):
    pruned = prune_low_magnitude(
        model, digits, sparsity=0.75, schedule="constant", pattern="block", training=QUICK
    )
    rows, columns = BLOCK
    zeros = zeros_of(pruned)[0].reshape(784 // rows, rows, 128 // columns, columns)
    shares = zeros.mean(axis=(1, 3))
    assert set(np.unique(shares)) == {0.0, 1.0}
    assert shares.mean() == pytest.approx(0.75, abs=1 / shares.size)


def test_shared_values_keep_the_zeros(pruned, clustered):
    for before, kernel in zip(zeros_of(pruned), clustered.get_weights()[0::2], strict=True):
        assert not kernel[before].any()
        assert len(np.unique(kernel)) <= 8


def test_quantization_keeps_the_zeros_or_the_values(pruned, clustered, digits):
    from ai_edge_litert.interpreter import Interpreter

    for preserve, model in (("zeros", pruned), ("clusters", clustered)):
        content = quantize_and_preserve(model, digits, preserve=preserve, training=QUICK)
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        (weights,) = (
            interpreter.get_tensor(tensor["index"])
            for tensor in interpreter.get_tensor_details()
            if tensor["dtype"] == np.int8 and list(tensor["shape"]) == [128, 784]
        )
        # Rounding may add some zeros, and takes none away.
        assert (weights == 0).mean() >= 0.8 - 1e-5
        if preserve == "clusters":
            assert len(np.unique(weights)) <= 8
        guesses = LiteRTPredictor(content)(digits.test.images).argmax(axis=1)
        assert (guesses == digits.test.labels).mean() > 0.85


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"sparsity": 1.0}, ValueError),
        ({"schedule": "steep"}, ValueError),
        ({"pattern": "stripes"}, ValueError),
        ({"sparsity": 0.9, "pattern": "2:4"}, ValueError),
    ],
)
def test_wrong_settings_are_refused(digits, change, error):
    with pytest.raises(error, match="expected"):
        prune_low_magnitude(mlp(), digits, **change)
