"""Entropy: by hand, against SciPy, and against zipped weights."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from deployworkbook.formulas.coding import binary_entropy, entropy_bytes, sparse_bytes


@given(st.floats(0, 1))
def test_binary_entropy_equals_scipy(share):
    # float64 sums of two terms of at most 1.
    assert binary_entropy(share) == pytest.approx(entropy([share, 1 - share], base=2), abs=1e-12)


def test_by_hand():
    # A quarter: 0.25 · 2 + 0.75 · 0.41504 = 0.81128 bits.
    assert binary_entropy(0.25) == pytest.approx(0.811278, abs=1e-6)
    # 800 weights, half 0, two bits each: 800 (1 + 1) / 8.
    assert sparse_bytes(800, sparsity=0.5, bits=2) == pytest.approx(200.0)
    assert sparse_bytes(800, sparsity=1.0, bits=4) == 0
    assert entropy_bytes(np.arange(256)) == pytest.approx(256)


@pytest.mark.parametrize("sparsity", [0.5, 0.9, 0.99])
def test_zip_approaches_the_limit_but_never_beats_it(sparsity):
    rng = np.random.default_rng(0)
    values = rng.integers(1, 17, 100_000).astype(np.int8) * (rng.random(100_000) >= sparsity)
    zipped = len(zlib.compress(values.astype(np.int8).tobytes(), 9))
    limit = entropy_bytes(values)
    # All 16 values are equally likely, so both limits agree up to this draw's noise: under 1 %.
    assert limit == pytest.approx(sparse_bytes(100_000, sparsity=sparsity, bits=4), rel=0.02)
    assert limit < zipped < 1.6 * limit


def test_out_of_range_is_refused():
    with pytest.raises(ValueError, match="share"):
        binary_entropy(1.1)
    with pytest.raises(ValueError, match="sparsity"):
        sparse_bytes(10, sparsity=-0.1, bits=4)
    with pytest.raises(TypeError, match="count"):
        sparse_bytes(1.5, sparsity=0.1, bits=4)


def test_no_information_takes_positive_zero_bytes() -> None:
    for found in (
        entropy_bytes([7] * 10),
        entropy_bytes([1]),
        binary_entropy(0),
        binary_entropy(1),
        sparse_bytes(0, sparsity=1, bits=0),
    ):
        assert str(found) == "0.0"
