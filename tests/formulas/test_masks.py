from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from deployworkbook.formulas.importance import weights_and_inputs
from deployworkbook.formulas.masks import (
    cubic_sparsity,
    global_masks,
    layer_mask,
    n_of_m_bits,
    n_of_m_mask,
    neuron_mask,
)
from deployworkbook.formulas.packed_codes import pack_codes

# Few distinct scores, so that ties are common.
SCORES = arrays(
    np.float64, array_shapes(max_dims=3, max_side=6), elements=st.sampled_from([0, 1, 2])
)
SHARE = st.floats(0, 1)


def test_by_hand() -> None:
    # Half of 4 weights are pruned, those with scores 1 and 2.
    np.testing.assert_array_equal(layer_mask([[4, 1], [2, 3]], 0.5), [[True, False], [False, True]])


def test_ties_are_broken_by_memory_order() -> None:
    np.testing.assert_array_equal(layer_mask(np.ones(5), 0.4), [False, False, True, True, True])


def test_halves_of_a_weight_are_rounded_up() -> None:
    assert layer_mask(np.ones(2), 0.25).sum() == 1  # 0.5 of a weight: 1 is dropped


@given(scores=SCORES, share=SHARE)
def test_layer_mask_hits_the_sparsity_and_keeps_the_best(scores: np.ndarray, share: float) -> None:
    mask = layer_mask(scores, share)
    assert mask.shape == scores.shape
    assert abs((~mask).sum() - share * scores.size) <= 0.5
    if mask.any() and not mask.all():
        assert scores[mask].min() >= scores[~mask].max()


@given(scores=st.lists(SCORES, min_size=1, max_size=4), share=SHARE)
def test_global_masks_hit_the_sparsity_and_keep_the_best(scores, share: float) -> None:
    masks = global_masks(scores, share)
    assert [mask.shape for mask in masks] == [layer.shape for layer in scores]
    kept = np.concatenate([mask.ravel() for mask in masks])
    flat = np.concatenate([layer.ravel() for layer in scores])
    assert abs((~kept).sum() - share * flat.size) <= 0.5
    if kept.any() and not kept.all():
        assert flat[kept].min() >= flat[~kept].max()


@given(scores=SCORES, shares=st.tuples(SHARE, SHARE).map(sorted))
def test_a_higher_sparsity_only_prunes_more_weights(scores, shares) -> None:
    lower, higher = (layer_mask(scores, share) for share in shares)
    assert (higher <= lower).all()


def test_global_masks_prune_the_less_important_layer_more() -> None:
    first, second = global_masks([np.full(4, 0.1), np.full(4, 1.0)], 0.5)
    assert not first.any()
    assert second.all()


@given(
    scores=arrays(np.float64, (8, 3, 8), elements=st.sampled_from([0, 1, 2])),
    group=st.sampled_from([1, 2, 4, 8]),
    axis=st.sampled_from([0, 2, -1]),
    data=st.data(),
)
def test_n_of_m_keeps_n_of_every_m(scores, group: int, axis: int, data) -> None:
    keep = data.draw(st.integers(0, group))
    mask = np.moveaxis(n_of_m_mask(scores, keep=keep, group=group, axis=axis), axis, -1)
    groups = mask.reshape(-1, group)
    assert (groups.sum(axis=1) == keep).all()
    values = np.moveaxis(scores, axis, -1).reshape(-1, group)
    worst_kept = np.where(groups, values, np.inf).min(axis=1)
    best_dropped = np.where(groups, -np.inf, values).max(axis=1)
    assert (worst_kept >= best_dropped).all()


def test_n_of_m_runs_along_the_inputs() -> None:
    scores = [[1.0, 8.0], [2.0, 7.0], [3.0, 6.0], [4.0, 5.0]]
    expected = [[False, True], [False, True], [True, False], [True, False]]
    np.testing.assert_array_equal(n_of_m_mask(scores, keep=2, group=4), expected)


def test_n_of_m_refuses_lengths_that_m_does_not_divide() -> None:
    with pytest.raises(ValueError, match=r"a multiple of 4\. Received: 6 weights"):
        n_of_m_mask(np.ones((6, 2)), keep=2, group=4)


@given(
    scores=arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 9)), elements=SHARE),
    share=SHARE,
)
def test_neuron_mask_drops_whole_columns(scores: np.ndarray, share: float) -> None:
    mask = neuron_mask(scores, share)
    assert (mask == mask[0]).all()
    assert abs((~mask[0]).sum() - share * scores.shape[1]) <= 0.5
    totals = scores.sum(axis=0)
    if mask.any() and not mask.all():
        assert totals[mask[0]].min() >= totals[~mask[0]].max()


@pytest.mark.parametrize("mask", [layer_mask, neuron_mask])
@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_sparsity_must_be_from_0_to_1(mask, share: float) -> None:
    with pytest.raises(ValueError, match="sparsity"):
        mask(np.ones((2, 2)), share)


def test_no_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="scores: expected at least one"):
        global_masks([], 0.5)


def test_cubic_sparsity_by_hand() -> None:
    # From 0.5 to 0.9 over steps 10 to 20; at 15: 0.9 - 0.4 · 0.5³ = 0.85
    rising = cubic_sparsity([0, 10, 15, 20, 99], begin=10, end=20, initial=0.5, final=0.9)
    np.testing.assert_allclose(rising, [0.5, 0.5, 0.85, 0.9, 0.9])


def test_cubic_sparsity_rises_ever_more_slowly() -> None:
    values = cubic_sparsity(np.arange(101), begin=0, end=100, final=0.95)
    rises = np.diff(values)
    assert (rises > 0).all()
    assert (np.diff(rises) < 0).all()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"end": 0}, "end"),
        ({"initial": -0.1}, "initial"),
        ({"final": 1.1}, "final"),
        ({"initial": 0.9}, "final"),
    ],
)
def test_cubic_sparsity_refuses_a_schedule_that_does_not_rise(changes, text: str) -> None:
    settings = {"begin": 0, "end": 10, "initial": 0.1, "final": 0.8} | changes
    with pytest.raises(ValueError, match=f"{text}: expected a finite number"):
        cubic_sparsity(0, **settings)


def test_the_best_two_of_four_by_their_inputs_are_the_best_pair() -> None:
    # With inputs that don't go together, the kept pair is the best of all six.
    generator = np.random.default_rng(0)
    weights, norms = generator.normal(size=(4, 5)), generator.uniform(0.1, 3, 4)
    kept = n_of_m_mask(weights_and_inputs(weights, norms), keep=2, group=4)
    squares = (weights * norms[:, None]) ** 2
    lost = np.where(kept, 0, squares).sum(axis=0)
    others = [np.delete(squares, pair, axis=0).sum(axis=0) for pair in combinations(range(4), 2)]
    np.testing.assert_allclose(lost, np.min(others, axis=0))


@pytest.mark.parametrize("bits", [4, 8])
def test_bits_of_two_of_four_are_those_of_packed_values_and_positions(bits: int) -> None:
    kept = n_of_m_mask(np.random.default_rng(0).random((16, 8)), keep=2, group=4)
    places = np.argwhere(kept.T.reshape(-1, 4))[:, 1].reshape(8, -1)
    values = np.zeros(places.shape)
    stored = pack_codes(values, bits=bits).nbytes + pack_codes(places, bits=2).nbytes
    assert n_of_m_bits(bits) == 8 * stored / kept.size


def test_all_weights_of_a_group_need_their_positions_only_if_there_is_a_choice() -> None:
    assert (n_of_m_bits(8, keep=1, group=1), n_of_m_bits(16, keep=1, group=8)) == (8, 19 / 8)
