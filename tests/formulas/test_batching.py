"""Batching: by hand, and in its limits."""

import pytest

from deployworkbook.formulas.batching import fluid_size
from deployworkbook.formulas.overhead import Overhead

LINE = Overhead(0.004, 0.001)


def test_fluid_size_by_hand():
    # 400/s: b = 0.4 (4 + b)  =>  b = 1.6 / 0.6
    assert fluid_size(400.0, LINE) == pytest.approx(1.6 / 0.6)


def test_at_low_load_a_batch_is_one_request():
    assert fluid_size(1.0, LINE) == 1.0


def test_a_rate_that_no_batch_size_sustains_is_refused():
    with pytest.raises(ValueError, match="utilisation: expected less than 1"):
        fluid_size(1000.0, LINE)
