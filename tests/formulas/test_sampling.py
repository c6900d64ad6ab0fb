"""The next token: probabilities by hand and by their properties, draws by their frequencies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.formulas.sampling import draw_tokens, generate, token_probabilities
from deployworkbook.formulas.transformer import forward, random_weights
from deployworkbook.formulas.transformer_shape import TransformerShape

FOUR = np.log([0.5, 0.3, 0.15, 0.05])


def test_temperature_by_hand():
    # At half the temperature probabilities are squared: 25, 9, 2.25 and 0.25 of 36.5.
    np.testing.assert_allclose(
        token_probabilities(FOUR, temperature=0.5), np.array([25, 9, 2.25, 0.25]) / 36.5
    )
    np.testing.assert_allclose(token_probabilities(FOUR), [0.5, 0.3, 0.15, 0.05])


def test_top_k_and_top_p_by_hand():
    np.testing.assert_allclose(token_probabilities(FOUR, top_k=2), [0.625, 0.375, 0, 0])
    np.testing.assert_allclose(token_probabilities(FOUR, top_p=0.81)[3], 0)
    # Exactly enough is enough.
    np.testing.assert_allclose(token_probabilities(FOUR, top_p=0.8), [0.625, 0.375, 0, 0])
    # Of the two that top k leaves, the first has 0.625 of the probability.
    np.testing.assert_allclose(token_probabilities(FOUR, top_k=2, top_p=0.6), [1, 0, 0, 0])


def test_of_equal_tokens_the_first_stay():
    np.testing.assert_allclose(token_probabilities(np.zeros(4), top_k=2), [0.5, 0.5, 0, 0])
    np.testing.assert_allclose(token_probabilities(np.zeros(4), temperature=0), [1, 0, 0, 0])


@settings(max_examples=30)
@given(
    st.integers(0, 999),
    st.sampled_from([0.0, 1e-320, 1e-9, 0.3, 1.0, 20.0]),
    st.sampled_from([None, 1, 3, 50]),
    st.floats(1e-9, 1.0),
    st.sampled_from([1.0, 1e4]),
)
def test_probabilities_sum_to_1_and_keep_their_order(seed, temperature, top_k, top_p, spread):
    logits = np.random.default_rng(seed).normal(size=(3, 11)) * spread
    p = token_probabilities(logits, temperature=temperature, top_k=top_k, top_p=top_p)
    np.testing.assert_allclose(p.sum(axis=-1), 1.0, rtol=0, atol=1e-12)
    order = np.argsort(-logits, axis=-1)
    assert (np.diff(np.take_along_axis(p, order, axis=-1), axis=-1) <= 0).all()
    assert ((p > 0).sum(axis=-1) <= (top_k or 11)).all()
    assert (p[np.arange(3), logits.argmax(axis=-1)] > 0).all()


def test_tokens_are_drawn_as_often_as_their_probability_says():
    p = token_probabilities(np.broadcast_to(FOUR, (20_000, 4)), top_k=3)
    counts = np.bincount(draw_tokens(p, seed=3), minlength=4) / 20_000
    # Four standard errors of a share of 0.5 among 20,000 draws.
    np.testing.assert_allclose(counts, p[0], atol=4 * np.sqrt(0.25 / 20_000))
    assert counts[3] == 0


def test_a_seed_decides_the_draw_and_a_generator_goes_on():
    p = np.full((50, 10), 0.1)
    np.testing.assert_array_equal(draw_tokens(p, seed=1), draw_tokens(p, seed=1))
    assert (draw_tokens(p, seed=1) != draw_tokens(p, seed=2)).any()
    generator = np.random.default_rng(1)
    first, second = (draw_tokens(p, seed=generator) for _ in range(2))
    np.testing.assert_array_equal(first, draw_tokens(p, seed=1))
    assert (first != second).any()


def test_generation_with_a_cache_equals_generation_without():
    shape = TransformerShape(
        layers=2, width=16, heads=4, kv_heads=2, hidden=24, vocabulary=31, context=20
    )
    weights = {name: 10 * array for name, array in random_weights(shape, dtype="float64").items()}
    cache, seen = None, np.empty((2, 0), np.int64)

    def cached(new):
        nonlocal cache
        step = forward(shape, weights, new, cache=cache, last_only=True)
        cache = step.cache
        return step.logits[:, -1]

    def whole(new):
        nonlocal seen
        seen = np.concatenate([seen, new], axis=1)
        return forward(shape, weights, seen).logits[:, -1]

    prompt = [[1, 2, 3], [4, 5, 6]]
    written = [generate(step, prompt, tokens=10, top_p=0.9, seed=5) for step in (cached, whole)]
    assert written[0].shape == (2, 10)
    np.testing.assert_array_equal(*written)


@pytest.mark.parametrize(
    "setting", [{"temperature": -1}, {"top_k": 0}, {"top_p": 0}, {"top_p": 1.5}]
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        token_probabilities(FOUR, **setting)


def test_other_arguments_are_refused():
    with pytest.raises(ValueError, match="probabilities"):
        draw_tokens([0.5, 0.1])
    with pytest.raises(ValueError, match="seed"):
        draw_tokens([0.5, 0.5], seed=-1)
    with pytest.raises(TypeError, match="whole numbers"):
        generate(lambda new: FOUR[None], [[0.5]], tokens=1)
    with pytest.raises(ValueError, match=r"\[batch, n\]"):
        generate(lambda new: FOUR[None], [1], tokens=1)
