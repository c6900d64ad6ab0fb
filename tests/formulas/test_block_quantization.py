"""Blocks of few bits: by hand, by bounds on the error, and as ONNX Runtime reads them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.formulas.block_error import block_errors, split_outliers
from deployworkbook.formulas.block_quantization import (
    BLOCK_SCHEMES,
    bits_per_weight,
    block_scales,
    dequantize_blocks,
    quantize_blocks,
)
from deployworkbook.formulas.packed_codes import pack_codes, packed_bytes, unpack_codes

NORMAL = np.random.default_rng(0).normal(size=(256, 24))
SCHEMES = pytest.mark.parametrize("scheme", BLOCK_SCHEMES)


def test_symmetric_by_hand():
    # The largest magnitude is -6, so the step is 6/8; 3 is four steps above the zero point, 8.
    quantized = quantize_blocks([[-6.0], [3.0], [0.3]], bits=4, block_size=3)
    assert quantized.scales.tolist() == [[0.75]]
    assert quantized.codes.tolist() == [[[0, 12, 8]]]
    np.testing.assert_array_equal(dequantize_blocks(quantized), [[-6.0], [3.0], [0.0]])


def test_asymmetric_by_hand():
    # From -1 to 2 in three steps of 1, so that 0 is code 1.
    quantized = quantize_blocks([[-1.0], [2.0], [0.8]], bits=2, block_size=3, scheme="asymmetric")
    assert (quantized.scales.tolist(), quantized.zero_points.tolist()) == ([[1.0]], [[1]])
    assert quantized.codes.tolist() == [[[0, 3, 2]]]


@SCHEMES
@settings(max_examples=30)
@given(
    bits=st.integers(2, 8),
    block=st.sampled_from([1, 2, 5, 16, 64]),
    inputs=st.integers(1, 40),
    scale_bits=st.sampled_from([16, 32]),
    seed=st.integers(0, 99),
)
def test_no_weight_moves_further_than_a_step(scheme, bits, block, inputs, scale_bits, seed):
    weights = np.random.default_rng(seed).normal(size=(inputs, 3))
    quantized = quantize_blocks(
        weights, bits=bits, block_size=block, scheme=scheme, scale_bits=scale_bits
    )
    steps = np.repeat(np.abs(quantized.scales), block, axis=1)[:, :inputs].T
    # Half a step by rounding; at an end of the grid a whole one, and the scale's own rounding.
    assert (np.abs(weights - dequantize_blocks(quantized)) <= steps * 1.15).all()


@SCHEMES
def test_more_bits_never_raise_the_error(scheme):
    errors = [block_errors(NORMAL, [32], bits=bits, scheme=scheme)[0] for bits in range(2, 9)]
    assert sorted(errors, reverse=True) == errors
    # A bit halves the step.
    assert errors[-2] / errors[-1] == pytest.approx(2, rel=0.1)


@SCHEMES
@pytest.mark.parametrize("bits", [2, 4])
def test_smaller_blocks_lower_the_error_and_a_search_does_too(scheme, bits):
    plain = block_errors(NORMAL, [16, 32, 64, 128, 256], bits=bits, scheme=scheme)
    searched = block_errors(NORMAL, [16, 32, 64, 128, 256], bits=bits, scheme=scheme, search=True)
    assert (np.diff(plain) > 0).all()
    assert (searched < plain).all()


def test_a_column_of_zeros_stays_zero():
    for scheme in BLOCK_SCHEMES:
        weights = np.where(np.arange(24) == 3, 0.0, NORMAL)
        found = dequantize_blocks(quantize_blocks(weights, bits=4, scheme=scheme))
        assert (found[:, 3] == 0).all()


def test_an_outlier_spoils_its_own_block_only():
    spoiled = NORMAL.copy()
    spoiled[0, 0] = 100.0
    clean, other = (dequantize_blocks(quantize_blocks(w, bits=4)) for w in (NORMAL, spoiled))
    np.testing.assert_array_equal(clean[32:], other[32:])
    np.testing.assert_array_equal(clean[:, 1:], other[:, 1:])
    assert (other[1:32, 0] == 0).all()


def test_outliers_stored_apart_lower_the_error_of_the_rest():
    heavy = np.random.default_rng(1).standard_t(3, size=(256, 24))
    rest, apart = split_outliers(heavy, share=0.01)
    assert (apart != 0).sum() == round(0.01 * heavy.size)
    np.testing.assert_array_equal(rest + apart, heavy)
    assert np.abs(rest).max() <= np.abs(apart[apart != 0]).min()
    with_them = dequantize_blocks(quantize_blocks(rest, bits=3)) + apart
    without = dequantize_blocks(quantize_blocks(heavy, bits=3))
    assert ((heavy - with_them) ** 2).sum() < 0.6 * ((heavy - without) ** 2).sum()


def test_bits_per_weight_by_hand():
    assert bits_per_weight(4, 32, scale_bits=32) == 5.0
    assert bits_per_weight(4, 64, zero_point_bits=4) == 4 + 20 / 64
    assert bits_per_weight(3, 16, outlier_share=0.01) == pytest.approx(3 + 1 + 0.32)


@pytest.mark.parametrize(
    ("bits", "scheme", "scale_bits"),
    [(4, "symmetric", 16), (4, "asymmetric", 32), (8, "asymmetric", 16), (2, "symmetric", 32)],
)
def test_bytes_equal_bits_per_weight(bits, scheme, scale_bits):
    quantized = quantize_blocks(
        NORMAL, bits=bits, block_size=32, scheme=scheme, scale_bits=scale_bits
    )
    points = bits if scheme == "asymmetric" else 0
    each = bits_per_weight(bits, 32, scale_bits=scale_bits, zero_point_bits=points)
    assert quantized.size_bytes * 8 == each * NORMAL.size
    packed = pack_codes(quantized.codes, bits=bits).nbytes
    packed += quantized.scales.astype(f"f{scale_bits // 8}").nbytes
    packed += pack_codes(quantized.zero_points, bits=bits).nbytes if points else 0
    assert packed == quantized.size_bytes


@given(st.integers(1, 8), st.integers(1, 30), st.integers(0, 99))
def test_packing_loses_nothing(bits, count, seed):
    codes = np.random.default_rng(seed).integers(1 << bits, size=(2, count), dtype=np.uint8)
    packed = pack_codes(codes, bits=bits)
    assert packed.shape == (2, packed_bytes(count, bits=bits))
    np.testing.assert_array_equal(unpack_codes(packed, bits=bits, count=count), codes)


def run_in_onnx_runtime(quantized, rows):
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    outputs, blocks, size = quantized.codes.shape
    stored = {
        "B": pack_codes(quantized.codes, bits=quantized.bits),
        "scales": quantized.scales,
    }
    if quantized.scheme == "asymmetric":
        stored["zero_points"] = pack_codes(quantized.zero_points, bits=quantized.bits)
    assert stored["B"].shape == (outputs, blocks, size * quantized.bits // 8)
    node = helper.make_node(
        "MatMulNBits",
        ["A", *stored],
        ["Y"],
        domain="com.microsoft",
        K=quantized.inputs,
        N=outputs,
        bits=quantized.bits,
        block_size=size,
    )
    graph = helper.make_graph(
        [node],
        "blocks",
        [helper.make_tensor_value_info("A", TensorProto.FLOAT, rows.shape)],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, (len(rows), outputs))],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"A": rows})[0]


@SCHEMES
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize(("inputs", "block"), [(64, 32), (96, 16), (128, 128)])
def test_onnx_runtime_reads_the_same_weights(bits, scheme, inputs, block):
    weights = NORMAL[:inputs]
    quantized = quantize_blocks(weights, bits=bits, block_size=block, scheme=scheme)
    rows = np.random.default_rng(2).normal(size=(3, inputs)).astype(np.float32)
    found = run_in_onnx_runtime(quantized, rows)
    wanted = rows.astype(np.float64) @ dequantize_blocks(quantized)
    # Sums of about 100 products in float32.
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5)


@pytest.mark.parametrize("bits", [4, 8])
def test_onnx_runtime_reads_a_last_block_that_is_not_full(bits):
    weights = NORMAL[:70]
    quantized = quantize_blocks(weights, bits=bits, scheme="asymmetric")
    rows = np.random.default_rng(2).normal(size=(2, 70)).astype(np.float32)
    wanted = rows.astype(np.float64) @ dequantize_blocks(quantized)
    np.testing.assert_allclose(run_in_onnx_runtime(quantized, rows), wanted, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"bits": 1}, "bits: expected an integer from 2 to 8"),
        ({"bits": 9}, "bits"),
        ({"bits": 4, "block_size": 0}, "block_size"),
        ({"bits": 4, "scheme": "symetric"}, "Did you mean symmetric"),
        ({"bits": 4, "scale_bits": 8}, "scale_bits"),
    ],
)
def test_settings_out_of_range_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        quantize_blocks(NORMAL, **arguments)


def test_other_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match="weights: expected 2 axes"):
        quantize_blocks(np.zeros(4), bits=4)
    with pytest.raises(ValueError, match="codes"):
        pack_codes([16], bits=4)
    with pytest.raises(ValueError, match="count: expected an integer from 1 to 4"):
        unpack_codes([1, 2], bits=4, count=5)
    with pytest.raises(ValueError, match="squares"):
        block_errors(np.zeros((4, 4)), [2], bits=4)


def test_scales_beyond_float16_do_not_break_the_grid():
    scales, _ = block_scales([[1e9, 1.0], [1e-12, 0.0]], bits=4)
    assert np.isfinite(scales).all()
    assert (scales != 0).all()
