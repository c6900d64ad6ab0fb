"""Flash: bytes of dense and sparse weights, against rows that are counted one by one."""

import numpy as np
import pytest

from deployworkbook.formulas.flash import dense_bytes, sparse_bytes_in_flash, sparse_row_pairs


def counted_pairs(row):
    """Count a row's pairs as the format says: a weight per gap of at most 255, two to a pair."""
    weights, place = 0, 0
    for index in np.flatnonzero(row):
        while index - place > 255:
            weights, place = weights + 1, place + 255
        weights, place = weights + 1, index
    return (weights + 1) // 2


@pytest.mark.parametrize("sparsity", [0.5, 0.9, 0.975, 0.995])
@pytest.mark.parametrize("inputs", [104, 784])
def test_sparse_rows_take_as_many_pairs_as_random_ones_do(inputs, sparsity):
    rows = np.random.default_rng(0).random((4000, inputs)) >= sparsity
    counts = [counted_pairs(row) for row in rows]
    error = np.std(counts) / np.sqrt(len(counts))
    assert float(sparse_row_pairs(inputs, sparsity)) == pytest.approx(
        np.mean(counts), abs=4 * error
    )


def test_a_row_of_zeros_takes_its_counter_only():
    assert float(sparse_bytes_in_flash(784, 10, sparsity=1.0)) == 10


def test_sparse_rows_pay_above_two_thirds_of_zeros():
    dense = dense_bytes(784, 128, bits=4)
    sparse = sparse_bytes_in_flash(784, 128, sparsity=[0.6, 0.66, 0.68, 0.75])
    assert (sparse < dense).tolist() == [False, False, True, True]


def test_more_zeros_never_take_more():
    sizes = sparse_bytes_in_flash(784, 104, sparsity=np.linspace(0, 1, 401))
    assert (np.diff(sizes) <= 0).all()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: dense_bytes(784, 128, bits=5), ValueError, "bits"),
        (lambda: dense_bytes(0, 128, bits=8), ValueError, "inputs"),
        (lambda: dense_bytes(7.5, 128, bits=8), TypeError, "inputs"),
        (lambda: sparse_row_pairs(784, 1.2), ValueError, "at most 1"),
        (lambda: sparse_bytes_in_flash(784, 0, sparsity=0.5), ValueError, "outputs"),
    ],
)
def test_numbers_out_of_range_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
