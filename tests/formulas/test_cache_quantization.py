"""A key-value cache in few bits: rounding, scales, bytes, and attention over it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deployworkbook.formulas.attention import attention, cached_attention
from deployworkbook.formulas.cache_quantization import (
    RoundedCache,
    channel_scales,
    round_rows,
    rounded_cache,
)
from deployworkbook.formulas.transformer import forward, random_weights
from deployworkbook.formulas.transformer_shape import TransformerShape

SHAPE = TransformerShape(
    layers=2, width=32, heads=4, kv_heads=2, hidden=64, vocabulary=50, context=32
)
ROWS = np.random.default_rng(0).normal(size=(2, 2, 5, 8)) * [1, 1, 1, 1, 1, 1, 1, 20]


@given(
    rows=arrays(np.float64, (1, 3, 4), elements=st.floats(-1000, 1000, width=32)),
    bits=st.integers(2, 8),
)
@settings(max_examples=30)
def test_each_number_is_within_half_a_step(rows, bits):
    rounded = round_rows(rows, bits=bits)
    # A scale of 16 bits is off by up to 1 part in 2048, or by half of the smallest one: the
    # largest code, and so the error, may be off by as much.
    top = 2 ** (bits - 1) - 1
    steps = rounded.scales.astype(np.float64)
    slack = top * np.maximum(steps / 2048, 2.0**-25)
    assert (np.abs(rounded.numbers - rows) <= steps / 2 + slack + 1e-9).all()
    assert np.abs(rounded.codes).max() <= top


def test_a_row_has_its_own_scale_and_spoils_no_other():
    quiet = round_rows(ROWS)
    loud = ROWS.copy()
    loud[0, 0, 2] *= 1000
    other = np.ones(5, bool)
    other[2] = False
    found = round_rows(loud).numbers
    np.testing.assert_array_equal(found[0, 0, other], quiet.numbers[0, 0, other])


def test_a_channel_that_is_always_large_spoils_no_other_with_scales_per_channel():
    by_row = round_rows(ROWS, bits=4)
    by_channel = round_rows(ROWS, bits=4, scales=channel_scales(ROWS, bits=4))
    error, fewer = (np.abs(each.numbers - ROWS)[..., :7].mean() for each in (by_row, by_channel))
    assert fewer < error / 3


def test_what_reaches_further_than_the_calibration_is_clipped():
    scales = channel_scales(ROWS)
    found = round_rows(10 * ROWS, scales=scales).numbers
    top = np.broadcast_to(127 * scales.astype(np.float32), ROWS.shape)
    assert (np.abs(found) <= top * (1 + 1e-6)).all()


def test_a_row_of_zeros_stays_zero():
    assert not round_rows(np.zeros((1, 2, 3))).numbers.any()


@pytest.mark.parametrize(("bits", "size"), [(8, 8 + 2), (4, 4 + 2), (3, 3 + 2)])
def test_bytes_are_those_of_packed_codes_and_scales(bits, size):
    assert round_rows(ROWS, bits=bits).size_bytes == 2 * 2 * 5 * size
    channels = round_rows(ROWS, bits=bits, scales=channel_scales(ROWS, bits=bits))
    assert channels.size_bytes == 2 * 2 * 5 * (size - 2) + 2 * 8 * 2


def test_scales_leave_the_sums_of_attention():
    q, k, v = np.random.default_rng(1).normal(size=(3, 1, 6, 8))
    keys, values = round_rows(k), round_rows(v)
    expected = attention(q, keys.numbers, values.numbers, causal=False)
    scores = (q @ np.swapaxes(keys.codes, -1, -2)) * np.swapaxes(keys.scales, -1, -2) / np.sqrt(8)
    shares = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    found = (shares * np.swapaxes(values.scales, -1, -2)) @ values.codes
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("per_channel", [False, True])
def test_token_by_token_equals_all_at_once(per_channel):
    weights = random_weights(SHAPE, dtype="float64")
    tokens = np.random.default_rng(2).integers(0, 50, (2, 12))
    scales = None
    if per_channel:
        seen = forward(SHAPE, weights, tokens).cache
        scales = [(channel_scales(each.keys), channel_scales(each.values)) for each in seen]
    cache = rounded_cache(SHAPE, batch=2, scales=scales)
    whole = forward(SHAPE, weights, tokens, cache=cache)
    found = []
    for place in range(12):
        step = forward(SHAPE, weights, tokens[:, place : place + 1], cache=cache)
        cache = step.cache
        found.append(step.logits)
    np.testing.assert_allclose(np.concatenate(found, axis=1), whole.logits, rtol=0, atol=1e-6)
    assert whole.cache[1].size_bytes == cache[1].size_bytes


def test_8_bits_change_the_logits_little_and_2_bits_more():
    weights = {name: 4 * array for name, array in random_weights(SHAPE, dtype="float64").items()}
    tokens = np.random.default_rng(2).integers(0, 50, (1, 20))
    exact = forward(SHAPE, weights, tokens).logits
    errors = [
        np.abs(
            forward(SHAPE, weights, tokens, cache=rounded_cache(SHAPE, bits=bits)).logits - exact
        )
        .max()
        .item()
        for bits in (8, 4, 2)
    ]
    assert errors == sorted(errors)
    assert errors[0] < 0.02 * np.abs(exact).max()


def test_a_cache_is_left_as_it_was():
    (start, _) = rounded_cache(SHAPE, batch=2)
    grown = start.grown(ROWS, ROWS)
    assert isinstance(grown, RoundedCache)
    assert (start.positions, grown.positions, grown.grown(ROWS, ROWS).positions) == (0, 5, 10)


def test_what_does_not_fit_is_refused():
    (start, _) = rounded_cache(SHAPE, batch=1)
    with pytest.raises(ValueError, match="keys: expected the cache's shape"):
        cached_attention(ROWS, ROWS, ROWS, cache=start)
    with pytest.raises(ValueError, match="bits: expected an integer from 2 to 8"):
        round_rows(ROWS, bits=9)
    with pytest.raises(ValueError, match="scales: expected 2 layers"):
        rounded_cache(SHAPE, scales=[])
    with pytest.raises(ValueError, match="scales"):
        round_rows(ROWS, scales=np.ones((2, 1, 7)))
