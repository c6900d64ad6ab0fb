"""Numbers as plain data, and back."""

import json

import numpy as np
import pytest

from deployworkbook.workspace.plain_numbers import numbers_from, of_numbers


def test_numbers_come_back_exactly():
    array = np.array([[0.1, np.nan, -np.inf], [1e-320, 2.0**60, -0.0]])
    again = numbers_from(json.loads(json.dumps(of_numbers(array))))
    np.testing.assert_array_equal(again, array)
    assert numbers_from(of_numbers(np.zeros((0, 3)))).shape == (0, 3)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"shape": [2], "values": [1.0]},
        {"shape": [10**30, 0], "values": []},
        {"shape": [-1], "values": [1.0]},
        {"shape": [True], "values": [1.0]},
        {"shape": [1], "values": ["1"]},
        {"shape": [1], "values": [None]},
        {"shape": [1], "values": [True]},
        {"shape": [1], "values": [10**399]},
        {"shape": [1] * 9, "values": [1.0]},
        {"shape": 1, "values": 1},
    ],
)
def test_what_is_no_array_is_refused(entry):
    with pytest.raises(ValueError, match="a "):
        numbers_from(entry)
