from __future__ import annotations

import numpy as np
import pytest

from deployworkbook.formulas.distributions import check_distribution, check_unit, one_hot


def test_one_hot_gives_the_label_probability_1() -> None:
    np.testing.assert_array_equal(one_hot([2, 0], 3), [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize(
    ("labels", "error"), [([3], ValueError), ([-1], ValueError), ([0.5], TypeError)]
)
def test_one_hot_refuses_invalid_labels(labels: list, error: type[Exception]) -> None:
    with pytest.raises(error, match="labels: expected whole numbers from 0 to 2"):
        one_hot(labels, 3)


def test_a_distribution_may_be_rounded_to_float16() -> None:
    thirds = np.full((1, 3), 1 / 3, dtype=np.float16)
    assert check_distribution("targets", thirds).dtype == np.float64


@pytest.mark.parametrize("rows", [[[0.5, 0.6]], [[0.5, 0.5], [0.2, 0.2]]])
def test_every_row_of_a_distribution_must_sum_to_1(rows: list) -> None:
    with pytest.raises(
        ValueError, match=r"rows that sum to 1. Received: a row that sums to (1.1|0.4)"
    ):
        check_distribution("targets", rows)


@pytest.mark.parametrize("values", [[-0.1, 0.5], [0.5, 1.1]])
def test_probabilities_must_be_from_0_to_1(values: list) -> None:
    with pytest.raises(ValueError, match=r"numbers from 0 to 1.*Try this"):
        check_unit("probabilities", values, remedy="Try this.")
