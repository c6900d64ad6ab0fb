"""Attention: by hand, equal with and without a cache, and equal to ONNX's own operator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.formulas.attention import (
    KeyValueCache,
    attention,
    cached_attention,
    causal_mask,
    grouped_attention,
    join_heads,
    split_heads,
)

SIZES = st.tuples(
    st.integers(1, 3),  # batch
    st.sampled_from([(1, 1), (4, 4), (4, 2), (6, 2), (4, 1)]),  # heads of queries and of keys
    st.integers(1, 9),  # positions
    st.integers(1, 5),  # width of a head
)


def random_heads(batch, heads, positions, width, *, seed=0, scale=1.0):
    generator = np.random.default_rng(seed)
    return [
        scale * generator.normal(size=(batch, count, positions, width))
        for count in (heads[0], heads[1], heads[1])
    ]


def test_by_hand():
    # Scores 3 and 1 divided by √4: weights e^1.5 and e^0.5, that is 1 / (1 + 1/e) and the rest.
    mixed = attention(
        [[1.0, 1, 1, 0]], [[1.0, 1, 1, 0], [1.0, 0, 0, 0]], [[1.0], [0.0]], causal=False
    )
    assert mixed[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_the_first_position_sees_only_itself():
    q, k, v = random_heads(1, (2, 2), 5, 3)
    np.testing.assert_array_equal(grouped_attention(q, k, v)[..., 0, :], v[..., 0, :])


@settings(max_examples=20)
@given(SIZES, st.integers(0, 99))
def test_later_positions_change_nothing_before_them(sizes, seed):
    q, k, v = random_heads(*sizes, seed=seed)
    before = grouped_attention(q, k, v)
    for array in (q, k, v):
        array[..., -1, :] += 100.0
    np.testing.assert_array_equal(grouped_attention(q, k, v)[..., :-1, :], before[..., :-1, :])


@given(SIZES, st.data())
def test_with_a_cache_equals_without(sizes, data):
    positions = sizes[2]
    q, k, v = random_heads(*sizes, seed=positions, scale=data.draw(st.sampled_from([0.1, 1, 30])))
    cuts = sorted(data.draw(st.sets(st.integers(1, positions), max_size=4)) | {positions})
    cache, rows, start = None, [], 0
    for end in cuts:
        part = np.s_[..., start:end, :]
        mixed, cache = cached_attention(q[part], k[part], v[part], cache=cache)
        rows.append(mixed)
        start = end
    assert cache.positions == positions
    assert cache.size_bytes == k.nbytes + v.nbytes
    at_once = grouped_attention(q, k, v)
    np.testing.assert_allclose(np.concatenate(rows, axis=-2), at_once, rtol=0, atol=1e-12)


@given(SIZES)
def test_grouped_equals_multi_head_with_repeated_keys_and_values(sizes):
    q, k, v = random_heads(*sizes)
    times = q.shape[1] // k.shape[1]
    repeated = [attention(q, np.repeat(k, times, axis=1), np.repeat(v, times, axis=1))]
    np.testing.assert_allclose(grouped_attention(q, k, v), repeated[0], rtol=0, atol=1e-12)


@given(SIZES)
def test_mixtures_stay_within_the_values(sizes):
    q, k, v = random_heads(*sizes, scale=50.0)
    mixed = grouped_attention(q, k, v, causal=False)
    assert mixed.max() <= v.max() + 1e-9
    assert mixed.min() >= v.min() - 1e-9


@pytest.mark.parametrize("heads", [(4, 4), (4, 2), (4, 1)])
def test_equals_the_operator_of_onnx(heads):
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    names = ["q", "k", "v"]
    node = helper.make_node("Attention", names, ["y"], is_causal=1)
    graph = helper.make_graph(
        [node],
        "attention",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None] * 4) for name in names],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, [None] * 4)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)])
    q, k, v = random_heads(2, heads, 7, 4)
    (wanted,) = ReferenceEvaluator(model).run(None, {"q": q, "k": k, "v": v})
    np.testing.assert_allclose(grouped_attention(q, k, v), wanted, rtol=0, atol=1e-12)


def test_heads_are_split_and_joined():
    rows = np.arange(24.0).reshape(1, 2, 12)
    heads = split_heads(rows, 3)
    assert heads.shape == (1, 3, 2, 4)
    np.testing.assert_array_equal(heads[0, 1, 1], rows[0, 1, 4:8])
    np.testing.assert_array_equal(join_heads(heads), rows)


def test_float32_stays_float32():
    q, k, v = (array.astype(np.float32) for array in random_heads(1, (4, 2), 3, 2))
    mixed, cache = cached_attention(q, k, v)
    assert mixed.dtype == cache.keys.dtype == np.float32


def test_a_cache_is_left_as_it_was():
    q, k, v = random_heads(1, (1, 1), 2, 2)
    cache = KeyValueCache(k.copy(), v.copy())
    _, grown = cached_attention(q, k, v, cache=cache)
    assert (cache.positions, grown.positions) == (2, 4)


def test_shapes_that_do_not_fit_are_refused():
    q, k, v = random_heads(1, (4, 3), 5, 2)
    with pytest.raises(ValueError, match="keys: expected a number that divides 4"):
        grouped_attention(q, k, v)
    with pytest.raises(ValueError, match="queries: expected an integer from 1 to 2"):
        causal_mask(3, 2)
    with pytest.raises(ValueError, match="values: expected last axes of sizes"):
        attention(q, q, q[..., :4, :])
    with pytest.raises(ValueError, match="heads: expected a number that divides 10"):
        split_heads(np.zeros((2, 10)), 4)
    with pytest.raises(ValueError, match="keys: expected the cache's shape"):
        cached_attention(q, q, q, cache=KeyValueCache(k, v))
