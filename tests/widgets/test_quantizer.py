"""The quantizer explorer shows what the formulas say."""

import numpy as np
import pytest

from deployworkbook.formulas.clipping import CLIPPINGS
from deployworkbook.formulas.quantization import SCHEMES
from deployworkbook.widgets.quantizer import Quantizers, compute_quantizer, quantizer_explorer

WEIGHTS = np.random.default_rng(0).normal(0, 0.06, (50, 20))


def test_levels_and_error_are_those_computed_by_hand():
    # Two bits, symmetric, over -1 … 1: the levels -1, 0 and 1. A weight of 0.5 goes to the even
    # neighbour, 0; so the largest error is 0.5.
    quantizers = Quantizers([-1.0, 0.5, 1.0])
    result = compute_quantizer(quantizers, bits=2, scheme="symmetric", clipping="minmax")
    assert result.levels.tolist() == [-1.0, 0.0, 1.0]
    assert result.maximum_error == 0.5
    # Signal 1 + 0.25 + 1, noise 0.25: 10 log10 9.
    assert result.sqnr_db == pytest.approx(10 * np.log10(9))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_bit_adds_about_six_decibels(scheme):
    result = compute_quantizer(Quantizers(WEIGHTS), bits=8, scheme=scheme, clipping="minmax")
    steps = np.diff(result.all_sqnr_db[4:])
    assert steps.mean() == pytest.approx(6.02, abs=0.2)


def test_the_best_clipping_is_never_worse_than_none():
    explorer = quantizer_explorer(WEIGHTS)
    whole, best = (explorer.set(clipping=name).all_sqnr_db for name in (CLIPPINGS[0], "mse"))
    assert (best >= whole - 1e-9).all()


def test_weights_are_clipped_only_if_requested():
    explorer = quantizer_explorer(WEIGHTS)
    assert explorer.set(bits=4, clipping="minmax").clipped_share == 0
    assert explorer.set(clipping="percentile").clipped_share > 0


def test_a_grid_is_fitted_once(monkeypatch):
    quantizers = Quantizers(WEIGHTS)
    for _ in range(2):
        compute_quantizer(quantizers, bits=4, scheme="symmetric", clipping="minmax")
    assert quantizers.fitted.cache_info().misses == 15  # one for each width from 2 to 16
