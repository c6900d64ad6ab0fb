"""The block explorer shows what the formulas say."""

import numpy as np
import pytest

from deployworkbook.formulas.block_error import block_errors
from deployworkbook.widgets.block_quantization import (
    BLOCK_SIZES,
    Blocks,
    block_explorer,
    compute_blocks,
)
from tests.controls import made_once

WEIGHTS = np.random.default_rng(0).normal(0, 0.06, (256, 20))
WEIGHTS[77, 3] = 1.5


@made_once
def with_an_outlier():
    return block_explorer(WEIGHTS)


@pytest.fixture
def explorer():
    return with_an_outlier()


@pytest.mark.parametrize("scheme", ["symmetric", "asymmetric"])
def test_errors_are_those_of_the_formulas(explorer, scheme):
    result = explorer.set(bits=4, block_size=64, scheme=scheme)
    wanted = block_errors(WEIGHTS, BLOCK_SIZES, bits=4, scheme=scheme)
    np.testing.assert_allclose(result.curve_errors[4], wanted)
    assert result.error == pytest.approx(wanted[BLOCK_SIZES.index(64)])
    # A scale of 16 bits, and in the asymmetric scheme a zero point of 4, per 64 weights.
    assert result.bits_per_weight == 4 + (16 if scheme == "symmetric" else 20) / 64


def test_the_outlier_is_in_the_picture_and_widens_its_block_only(explorer):
    result = explorer.set(bits=4, block_size=32)
    assert result.shown[77] == 1.5
    steps = np.diff(result.levels, axis=1)[:, 0]
    assert steps.argmax() == 77 // 32
    assert steps.max() > 5 * np.delete(steps, 77 // 32).max()


def test_an_outlier_kept_apart_is_exact_and_lowers_the_error(explorer):
    before = explorer.set(bits=3, block_size=128).error
    result = explorer.set(outliers=0.5)
    assert result.rounded[77] == 1.5
    assert result.error < 0.9 * before
    # 32 bits for each of one weight in 200.
    assert result.bits_per_weight == pytest.approx(3 + 16 / 128 + 0.005 * 32)


def test_rounded_weights_are_levels_of_their_block(explorer):
    result = explorer.set(bits=3, block_size=16, scheme="asymmetric")
    assert result.starts.tolist() == list(range(0, 256, 16))
    for place, value in enumerate(result.rounded):
        assert np.isclose(result.levels[place // 16], value).any()


def test_a_large_matrix_is_sampled_with_its_largest_weight():
    weights = np.random.default_rng(1).normal(size=(2048, 100))
    weights[1999, 41] = 9.0
    blocks = Blocks(weights)
    assert blocks.weights.size <= 8192 + 2048
    result = compute_blocks(blocks, bits=4, block_size=256, scheme="symmetric", outliers=0.0)
    assert 9.0 in result.shown
    everything = block_errors(weights, [256], bits=4)[0]
    assert result.error == pytest.approx(everything, rel=0.05)


def test_a_small_matrix_is_drawn():
    explorer = block_explorer([[1.0, -2.0], [0.5, 0.25]])
    result = explorer.set(bits=8, block_size=256)
    assert result.error < 0.01
    assert "8 bits in blocks of 256" in explorer._view.picture.alt


def test_a_matrix_of_zeros_but_for_one_output_is_drawn():
    weights = np.zeros((8192, 3))
    weights[:, 1] = np.arange(8192)
    assert 0 < block_explorer(weights).result.error < 0.1


@pytest.mark.parametrize("wrong", [np.zeros((3, 3)), np.zeros(3)])
def test_no_matrix_or_only_zeros_is_refused(wrong):
    with pytest.raises(ValueError, match="weights"):
        block_explorer(wrong)
