"""Widths that no kernel runs: simulated, and said to be."""

import numpy as np
import pytest

from deployworkbook.compression.litert_quantization import quantize
from deployworkbook.compression.simulate import modelled, rounded
from deployworkbook.runtimes.benchmarking import count_correct
from deployworkbook.runtimes.litert import LiteRTPredictor


def kernels_of(model):
    return [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]


@pytest.mark.parametrize("bits", [2, 3, 5])
def test_each_channel_has_no_more_levels_than_the_bits_allow(model, bits):
    copy = rounded(model, bits=bits)
    for kernel in kernels_of(copy):
        levels = [len(np.unique(channel)) for channel in kernel.T]
        assert 1 < max(levels) <= 2**bits - 1
    # Biases stay, and so does the model that was given.
    np.testing.assert_array_equal(copy.get_weights()[1], model.get_weights()[1])
    assert len(np.unique(model.get_weights()[0])) > 1000


def test_zeros_stay_zero(model):
    pruned = rounded(model, bits=16)
    rng = np.random.default_rng(0)
    masks = [rng.random(weight.shape) < 0.1 for weight in pruned.get_weights()]
    pruned.set_weights([w * m for w, m in zip(pruned.get_weights(), masks, strict=True)])
    for before, after in zip(
        kernels_of(pruned), kernels_of(rounded(pruned, bits=3, clipping="mse")), strict=True
    ):
        assert (after[before == 0] == 0).all()


def test_clipping_lowers_the_error(model):
    errors = [
        np.square(kernels_of(rounded(model, bits=2, clipping=each))[0] - kernels_of(model)[0]).sum()
        for each in ("minmax", "mse")
    ]
    assert errors[1] < errors[0]


def test_a_simulated_measurement_is_modelled_and_has_no_times(model, digits):
    row = modelled(model, 3, digits, lesson="05")
    assert (row.kind, row.runtime, row.variant) == ("modelled", "simulated", "int3")
    # 101,632 weights of 3 bits; 138 scales and 138 biases of 4 bytes.
    assert row.size_bytes == 101_632 * 3 / 8 + 4 * (138 + 138)
    assert row.latency_p50_ms is None
    assert row.throughput_per_s == {}
    assert (row.examples, row.lesson) == (len(digits.test), "05")


def test_simulation_and_file_agree(model, digits):
    predict = LiteRTPredictor(quantize(model, "int4").flatbuffer)
    # The file rounds activations too; that may tip a picture that stands on the edge.
    assert modelled(model, 4, digits).correct == pytest.approx(
        count_correct(predict, digits.test), abs=4
    )


@pytest.mark.parametrize("bits", [1, 17])
def test_other_widths_are_refused(model, digits, bits):
    with pytest.raises(ValueError, match="bits"):
        modelled(model, bits, digits)


def test_only_the_named_layers_are_rounded(model):
    first, last = [layer.name for layer in model.layers if hasattr(layer, "kernel")]
    copy = rounded(model, bits=2, layers=[last])
    np.testing.assert_array_equal(kernels_of(copy)[0], kernels_of(model)[0])
    assert (kernels_of(copy)[1] != kernels_of(model)[1]).any()
    with pytest.raises(ValueError, match=first):
        rounded(model, bits=2, layers=["flatten"])
