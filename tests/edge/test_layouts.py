"""Layouts: their bytes are known beforehand, and their tables hold the weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from deployworkbook.edge.layouts.choosing import LAYOUTS, choose_layout, layouts_for
from deployworkbook.edge.layouts.int4 import DenseInt4
from deployworkbook.edge.layouts.int8 import DenseInt8
from deployworkbook.edge.layouts.sparse_int4 import SparseInt4
from deployworkbook.edge.layouts.sparse_int8 import SparseInt8

SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=12)
FOUR_BITS = arrays(np.int8, SHAPES, elements=st.integers(-8, 7))


def built_bytes(layout) -> int:
    return sum(table.size_bytes for table in layout.tables())


def unpacked(table) -> np.ndarray:
    return np.stack([table.values & 15, table.values >> 4], axis=-1).ravel().astype(int) - 8


def read_back(layout: SparseInt4) -> np.ndarray:
    """Read sparse rows as the C code does."""
    counts, pairs = (table.values.astype(int) for table in layout.tables())
    found = np.zeros(layout.weights.shape, int)
    rest = iter(pairs.reshape(-1, 3))
    for output, count in enumerate(counts):
        place = 0
        for _ in range(count):
            first, second, both = next(rest)
            for gap, weight in ((first, (both & 15) - 8), (second, (both >> 4) - 8)):
                place += gap
                found[place, output] += weight
    # C has no empty tables, so one pair stands for none.
    assert len(list(rest)) == (not counts.any())
    return found


@given(FOUR_BITS)
def test_bytes_are_known_before_tables_are_built(weights) -> None:
    for layout in layouts_for(weights):
        assert layout.flash_bytes == built_bytes(layout)


@given(FOUR_BITS)
def test_dense_int4_holds_the_weights(weights) -> None:
    inputs, outputs = weights.shape
    (table,) = DenseInt4(weights).tables()
    rows = unpacked(table).reshape(inputs, -1)
    np.testing.assert_array_equal(rows[:, :outputs], weights)
    assert not rows[:, outputs:].any()


@given(FOUR_BITS)
def test_sparse_rows_hold_the_weights(weights) -> None:
    np.testing.assert_array_equal(read_back(SparseInt4(weights)), weights)


@given(arrays(np.int8, SHAPES))
def test_sparse_rows_of_bytes_hold_the_weights(weights) -> None:
    layout = SparseInt8(weights)
    counts, entries = (table.values for table in layout.tables())
    assert layout.flash_bytes == built_bytes(layout)
    gaps, values = entries.reshape(-1, 2).astype(np.uint8).T
    found = np.zeros(weights.shape, np.int8)
    for output, (row_gaps, row_values) in enumerate(
        zip(
            np.split(gaps, np.cumsum(counts)[:-1]),
            np.split(values.astype(int) - 128, np.cumsum(counts)[:-1]),
            strict=True,
        )
    ):
        found[np.cumsum(row_gaps), output] = row_values
    np.testing.assert_array_equal(found, weights)


@pytest.mark.parametrize("places", [[], [0], [999], [255, 256], [256, 766, 999], [0, 255, 510]])
def test_gaps_beyond_a_byte_are_cut(places) -> None:
    weights = np.zeros((1000, 2), np.int8)
    weights[places, 1] = 7
    layout = SparseInt4(weights)
    np.testing.assert_array_equal(read_back(layout), weights)
    assert layout.flash_bytes == built_bytes(layout)


def test_a_row_with_more_pairs_than_a_byte_counts() -> None:
    layout = SparseInt4(np.ones((600, 3), np.int8))  # 300 pairs in each row
    assert layout.flash_bytes == built_bytes(layout) == 3 * (300 * 3 + 2)


@pytest.mark.parametrize(
    ("density", "name"), [(0.1, "sparse int4"), (0.25, "sparse int4"), (0.45, "int4")]
)
def test_sparse_rows_pay_below_a_third_of_nonzero_weights(density, name) -> None:
    random = np.random.default_rng(0)
    weights = np.where(random.random((784, 100)) < density, 3, 0).astype(np.int8)
    assert choose_layout(weights).name == name


def test_eight_bits_fit_into_no_nibble() -> None:
    weights = np.array([[8, -3]], np.int8)
    assert isinstance(choose_layout(weights), DenseInt8)
    with pytest.raises(ValueError, match="from -3 to 8"):
        DenseInt4(weights)
    with pytest.raises(ValueError, match=r"layout: expected one of 'int8'"):
        choose_layout(weights, "sparse int4")


def test_an_unknown_layout_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match="sparse int4"):
        choose_layout(np.zeros((2, 2), np.int8), "sparse")
    assert next(iter(LAYOUTS)) == "float32"
