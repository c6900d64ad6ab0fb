"""Ceilings per kernel: fitted like SciPy's non-negative least squares, and a step by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from deployworkbook.formulas.kernel_ceilings import (
    DecoderCeiling,
    KernelCeiling,
    decoder_seconds,
    fit_ceiling,
)
from deployworkbook.formulas.token_costs import step_seconds, step_work
from deployworkbook.formulas.transformer_shape import TransformerShape

SHAPE = TransformerShape(
    layers=2, width=8, heads=2, kv_heads=2, hidden=16, vocabulary=50, context=32, family="gpt2"
)


def test_times_of_a_kernel_give_back_its_limits():
    operations, moved = np.array([2e9, 16e9, 64e9]), np.full(3, 4e9)
    found = fit_ceiling(operations, moved, operations / 8e10 + moved / 1.25e10)
    assert found.operations_per_s == pytest.approx(8e10)
    assert found.bytes_per_s == pytest.approx(1.25e10)


@settings(max_examples=30)
@given(st.lists(st.floats(0.05, 20), min_size=4, max_size=4))
def test_limits_are_those_of_non_negative_least_squares(seconds):
    operations, moved = np.array([1.0, 4.0, 16.0, 64.0]), np.array([3.0, 3.0, 3.0, 5.0])
    times = np.array(seconds)
    expected, _ = nnls(np.stack([operations / times, moved / times], axis=1), np.ones(4))
    found = fit_ceiling(operations, moved, times)
    inverse = [1 / found.operations_per_s, 1 / found.bytes_per_s]
    np.testing.assert_allclose(inverse, expected, rtol=1e-6, atol=1e-9)


def test_a_kernel_that_never_waits_for_memory_has_no_limit_there():
    # Twice the operations take more than twice the time.
    found = fit_ceiling([1.0, 2.0], [1.0, 1.0], [1.0, 3.0])
    assert np.isinf(found.bytes_per_s)
    assert 0 < found.operations_per_s < np.inf


def test_a_step_is_the_sum_of_its_parts():
    work = step_work(SHAPE, new=1, past=10, batch=[1, 4], weight_bits=32, cache_bits=32)
    ceiling = DecoderCeiling(KernelCeiling(1e6, 1e5), cache_bytes_per_s=1e4, layer_s=0.5)
    expected = (
        2 * 0.5 + work.matrix_operations / 1e6 + work.weight_bytes / 1e5 + work.cache_bytes / 1e4
    )
    np.testing.assert_allclose(decoder_seconds(work, ceiling, layers=2), expected)


def test_with_the_same_limits_a_step_lies_between_the_roofline_and_twice_that():
    work = step_work(SHAPE, new=1, past=10, batch=2.0 ** np.arange(12), weight_bits=32)
    limits = {"operations_per_s": 1e6, "bytes_per_s": 1e5}
    roof = step_seconds(work, **limits)
    own = DecoderCeiling(KernelCeiling(**limits), cache_bytes_per_s=1e5, layer_s=0)
    found = decoder_seconds(work, own, layers=2)
    assert (found <= 2 * roof).all()
    assert (found >= 0.99 * (roof - work.attention_operations / 1e6)).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1.0, 2.0], [1.0, 1.0], [1.0]), "as many of each"),
        (([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]), "different intensities"),
        (([1.0, 2.0], [1.0, 1.0], [1.0, 0.0]), "seconds"),
    ],
)
def test_times_that_tell_nothing_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        fit_ceiling(*arguments)


@pytest.mark.parametrize("wrong", [{"cache_bytes_per_s": 0.0}, {"layer_s": -1.0}])
def test_a_ceiling_out_of_range_is_refused(wrong):
    right = {"cache_bytes_per_s": 1.0, "layer_s": 0.0}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DecoderCeiling(KernelCeiling(1.0, 1.0), **right | wrong)
