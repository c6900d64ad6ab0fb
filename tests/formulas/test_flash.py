"""Flash: bytes of dense and sparse weights, against rows that are counted one by one."""

import numpy as np
import pytest

from deployworkbook.formulas.flash import (
    dense_bytes,
    sparse_bytes_in_flash,
    sparse_row_entries,
    sparse_row_pairs,
)


def counted_entries(row):
    """Count a row's entries as the format says: a weight for each gap of at most 255."""
    entries, place = 0, 0
    for index in np.flatnonzero(row):
        while index - place > 255:
            entries, place = entries + 1, place + 255
        entries, place = entries + 1, index
    return entries


@pytest.mark.parametrize("sparsity", [0.5, 0.9, 0.975, 0.995])
@pytest.mark.parametrize("inputs", [104, 784])
def test_sparse_rows_take_as_much_as_random_ones_do(inputs, sparsity):
    rows = np.random.default_rng(0).random((4000, inputs)) >= sparsity
    entries = np.array([counted_entries(row) for row in rows])
    for counts, formula in (
        (entries, sparse_row_entries),
        ((entries + 1) // 2, sparse_row_pairs),
    ):
        error = np.std(counts) / np.sqrt(len(counts))
        found = float(formula(inputs, sparsity))
        assert found == pytest.approx(np.mean(counts), abs=4 * error)


def test_a_row_of_zeros_takes_its_counter_only():
    assert float(sparse_bytes_in_flash(784, 10, sparsity=1.0)) == 10


@pytest.mark.parametrize(("bits", "limit"), [(4, 2 / 3), (8, 1 / 2)])
def test_sparse_rows_pay_where_gaps_take_less_than_zeros(bits, limit):
    dense = dense_bytes(784, 128, bits=bits)
    around = [limit - 0.05, limit - 0.01, limit + 0.01, limit + 0.05]
    sparse = sparse_bytes_in_flash(784, 128, sparsity=around, bits=bits)
    assert (sparse < dense).tolist() == [False, False, True, True]


@pytest.mark.parametrize("bits", [4, 8])
def test_more_zeros_never_take_more(bits):
    sizes = sparse_bytes_in_flash(784, 104, sparsity=np.linspace(0, 1, 401), bits=bits)
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
