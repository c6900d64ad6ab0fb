"""The overhead explorer splits a batch's time into overhead and images."""

import numpy as np
import pytest

from deployworkbook.widgets.overhead import overhead_explorer
from tests.controls import made_once

# Exactly 6 ms + 2 ms per image, and 0.1 ms + 2 ms per image.
SIZES = (1, 10, 100)
BATCH_S = {
    "slow": {n: 0.006 + 0.002 * n for n in SIZES},
    "quick": {n: 0.0001 + 0.002 * n for n in SIZES},
}


@made_once
def slow_and_quick():
    return overhead_explorer(BATCH_S)


@pytest.fixture
def explorer():
    return slow_and_quick()


def test_the_split_is_that_computed_by_hand(explorer):
    # 7 images: 6 + 14 = 20 ms, of which 6 are overhead; 350 images per second. In 21 ms there is
    # room for 7 and half an image.
    result = explorer.set(batch_size=1, deadline_ms=21.0)
    assert (result.platform, result.largest_batch) == ("slow", 7)
    assert result.time_s == pytest.approx(0.008)
    assert result.overhead_share == pytest.approx(0.75)
    assert result.throughput_per_s == pytest.approx(125)
    assert result.line.half_batch == pytest.approx(3)
    assert "of which 75.0% are overhead" in explorer._view.picture.alt


@pytest.mark.usefixtures("drawn")
def test_another_platform_has_its_own_line_and_points():
    explorer = overhead_explorer(BATCH_S, platform="quick")
    assert explorer.result.platform == "quick"
    assert explorer.result.line.fixed == pytest.approx(0.0001)
    np.testing.assert_allclose(explorer.result.measured_s, list(BATCH_S["quick"].values()))
    before = explorer._view.png()
    explorer.set(platform="slow")
    assert explorer._view.png() != before


def test_no_batch_meets_a_deadline_shorter_than_the_overhead(explorer):
    assert explorer.set(deadline_ms=5.0).largest_batch == 0
    assert ("largest batch within 5 ms", "none") in explorer._view.table(explorer.result)


def test_overhead_hardly_matters_in_large_batches(explorer):
    rates = [
        explorer.set(platform=name, batch_size=1024).throughput_per_s for name in ("slow", "quick")
    ]
    assert rates[0] == pytest.approx(rates[1], rel=0.01)


def test_a_time_per_image_of_0_is_drawn():
    explorer = overhead_explorer({"flat": {1: 0.01, 10: 0.01, 100: 0.01}})
    result = explorer.set(deadline_ms=20.0)
    assert (result.line.half_batch, result.largest_batch) == (np.inf, np.inf)


@pytest.mark.parametrize("wrong", [{}, {"a": {1: 1.0, 2: 2.0}, "b": {1: 1.0, 3: 2.0}}])
def test_no_platforms_or_different_sizes_are_refused(wrong):
    with pytest.raises(ValueError, match="same sizes"):
        overhead_explorer(wrong)
