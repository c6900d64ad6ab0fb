"""Clustering, and the lean file that it is written to."""

import numpy as np
import pytest

from deployworkbook.compression.clustering import Clustering, cluster, codes_of
from deployworkbook.compression.lean import grid_step, lean_flatbuffer
from deployworkbook.compression.pruning import Pruning, prune
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.training.flatbuffer import to_flatbuffer
from deployworkbook.training.models import mlp


@pytest.fixture(scope="module")
def pruned(model, examples, short):
    return prune(model, examples, pruning=Pruning(sparsity=0.9, sample=200), settings=short)


@pytest.fixture(scope="module")
def clustered(pruned, examples, short):
    return cluster(pruned, examples, clustering=Clustering(values=8), settings=short)


def integers_of(content):
    """The weights of a lean file, as its interpreter has them."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    return [
        interpreter.get_tensor(tensor["index"])
        for tensor in interpreter.get_tensor_details()
        if tensor["dtype"] == np.int8
    ]


def test_each_layer_has_few_values_and_keeps_its_zeros(pruned, clustered):
    for before, after in zip(
        pruned.get_weights()[0::2], clustered.get_weights()[0::2], strict=True
    ):
        np.testing.assert_array_equal(before == 0, after == 0)
        assert len(np.unique(after[after != 0])) == 8


def test_a_seed_gives_the_same_values(pruned, clustered, examples, short):
    again = cluster(pruned, examples, clustering=Clustering(values=8), settings=short)
    for a, b in zip(clustered.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_fewer_different_weights_than_values_are_kept_as_they_are():
    weights = np.float32([[0.0, 2.0], [-1.0, 2.0]])
    assert codes_of(weights, values=16).tolist() == [[0, 2], [1, 2]]
    assert codes_of(np.zeros((2, 2), np.float32), values=4).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("change", "error"), [({"values": 0}, ValueError), ({"values": 2.5}, TypeError)]
)
def test_wrong_settings_are_refused(change, error):
    with pytest.raises(error, match="expected"):
        Clustering(**change)


def test_the_file_keeps_zeros_and_shared_values(clustered):
    written = sorted(integers_of(lean_flatbuffer(clustered)), key=np.size, reverse=True)
    for kernel, integers in zip(clustered.get_weights()[0::2], written, strict=True):
        np.testing.assert_array_equal(integers == 0, kernel.T == 0)
        assert len(np.unique(integers[integers != 0])) <= 8


@pytest.mark.parametrize("bits", [8, 4])
def test_the_lean_file_computes_what_its_weights_say(model, digits, bits):
    weights = model.get_weights()
    for index in (0, 2):
        step = np.abs(weights[index]).max() / (2 ** (bits - 1) - 1)
        weights[index] = np.round(weights[index] / step) * step
    rounded = type(model).from_config(model.get_config())
    rounded.set_weights(weights)
    images = digits.test.images
    ours = LiteRTPredictor(lean_flatbuffer(rounded, bits=bits, bias_bits=16))(images)
    # The kernel rounds the activations of an image to 8 bits: 1/254 of the largest, in each of two
    # layers.
    np.testing.assert_allclose(ours, rounded.predict(images, verbose=0), atol=0.05)
    assert (ours.argmax(1) == rounded.predict(images, verbose=0).argmax(1)).mean() > 0.98


def test_the_lean_file_is_smaller(model):
    # 100,352 + 1,280 weights of a byte; 138 biases of four; what is left is the graph.
    lean = len(lean_flatbuffer(model))
    assert 0 < lean - (101_632 + 4 * 138) < 1500
    assert len(lean_flatbuffer(model, bits=4)) < 0.55 * lean
    assert lean < len(to_flatbuffer(model)) / 3.9


def test_biases_of_zeros_can_be_written(digits):
    fresh = mlp(hidden_units=8)
    images = digits.test.images
    ours = LiteRTPredictor(lean_flatbuffer(fresh))(images)
    # As above: activations are rounded to 8 bits.
    np.testing.assert_allclose(ours, fresh.predict(images, verbose=0), atol=0.05)


def test_the_grid_of_weights_is_found():
    chance = np.random.default_rng(0)
    for step in (0.013, 0.5, 7.0):
        weights = (chance.integers(-5, 6, size=500) * step).astype(np.float32)
        assert float(grid_step(weights, 4)) == pytest.approx(step, rel=1e-6)
    loose = chance.normal(size=500).astype(np.float32)
    assert float(grid_step(loose, 8)) == pytest.approx(np.abs(loose).max() / 127)
    assert grid_step(np.zeros(3, np.float32), 8) == 1.0


def test_other_widths_are_refused(model):
    with pytest.raises(ValueError, match="one of 4, 8"):
        lean_flatbuffer(model, bits=3)
